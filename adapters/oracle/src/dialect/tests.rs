use super::*;

fn staging() -> TableName {
    TableName { schema: "csc".to_owned(), table: "ssd_api_data_staging".to_owned() }
}

#[test]
fn names_are_in_upper_case_unless_they_are_quoted() {
    assert_eq!(OracleDialect.table(&staging()), "\"CSC\".\"SSD_API_DATA_STAGING\"");
    assert_eq!(OracleDialect.quote("\"Mixed_Case\""), "\"Mixed_Case\"");
    assert_eq!(OracleDialect.quote("a\"b"), "\"A\"\"B\"");
    assert_eq!(OracleDialect.quote("\""), "\"\"\"\"");
}

#[test]
fn texts_are_ascii_and_hold_nothing_that_means_something() {
    assert_eq!(OracleDialect.literal("SSD_PH"), "'SSD_PH'");
    assert_eq!(OracleDialect.literal("-1"), "'-1'");
    assert_eq!(OracleDialect.literal("O'Neil"), "UNISTR('O\\0027Neil')");
    assert_eq!(OracleDialect.literal("é😀\\"), "UNISTR('\\00E9\\D83D\\DE00\\005C')");
    let ids = ["A1".to_owned(), "<b>&\u{1}".to_owned()];
    assert_eq!(OracleDialect.set_text(&ids), "<s><c>A1</c><c>\\003Cb\\003E\\0026\\0001</c></s>");
    assert_eq!(OracleDialect.set_text(&[]), "<s></s>");
}

#[test]
fn a_key_leaves_out_every_kind_of_white_space() {
    let key = OracleDialect.key("t.\"PERS_PERSON_ID\"");
    for code in name::WHITE_SPACE {
        assert!(key.contains(&format!("\\{code:04X}")), "U+{code:04X}");
    }
    assert!(key.starts_with("LTRIM(RTRIM(TO_NCHAR(t.\"PERS_PERSON_ID\"), UNISTR('\\0009"), "{key}");
    assert!(key.is_ascii(), "{key}");
    assert_eq!(OracleDialect.has_key("c.id"), "c.id IS NOT NULL");
}

#[test]
fn temporary_tables_are_global_and_unicode() {
    let columns =
        [("id", Store::Text(200)), ("nr", Store::Integer), ("hash", Store::Hash), ("document", Store::LongText)];
    assert_eq!(
        OracleDialect.create_temporary("csc_bridge_set", &columns, "id"),
        "CREATE GLOBAL TEMPORARY TABLE csc_bridge_set (id NVARCHAR2(200) PRIMARY KEY, nr NUMBER(19), hash RAW(2000), document CLOB) \
         ON COMMIT PRESERVE ROWS"
    );
}

#[test]
fn updates_merge_by_rowid() {
    let set = [("outcome", "o.outcome".to_owned()), ("document", "NULL".to_owned()), ("closed_at", "now".to_owned())];
    let update = UpdateFrom {
        target: &OracleDialect.table(&staging()),
        set: &set,
        source: "a s JOIN b o ON o.nr = s.nr",
        on: "t.id = s.id AND t.outcome IS NULL",
    };
    assert_eq!(
        OracleDialect.update_from(&update),
        "MERGE INTO \"CSC\".\"SSD_API_DATA_STAGING\" t USING (SELECT t.ROWID AS rid, o.outcome AS v0, now AS v2 FROM a s JOIN b o ON \
         o.nr = s.nr CROSS JOIN \"CSC\".\"SSD_API_DATA_STAGING\" t WHERE t.id = s.id AND t.outcome IS NULL) n ON (t.ROWID = n.rid) \
         WHEN MATCHED THEN UPDATE SET outcome = n.v0, document = NULL, closed_at = n.v2"
    );
}

#[test]
fn an_index_is_in_the_schema_of_its_table_and_has_a_short_name() {
    let index = KeyIndex {
        name: "ix_ssd_api_submission_log_person",
        table: &staging(),
        column: "person_id",
        include: &["id"],
        only: None,
    };
    let sql = OracleDialect.key_index(&index);
    let name = sql.strip_prefix("CREATE INDEX \"CSC\".\"").and_then(|rest| rest.split('"').next()).expect("a name");
    assert_eq!(name.len(), 30);
    assert!(sql.ends_with(&format!("({}, \"ID\")", OracleDialect.key("\"PERSON_ID\""))), "{sql}");
    let other = OracleDialect.plain_index("ix_ssd_api_submission_log_attempt", &staging(), "attempt_id");
    assert!(!other.contains(name), "{other}");
    assert_eq!(short("ix_ssd_api_data_staging_person"), "ix_ssd_api_data_staging_person");
}

#[test]
fn open_intents_are_found_first_in_their_index() {
    let index = KeyIndex {
        name: "ix_open",
        table: &staging(),
        column: "person_id",
        include: &[],
        only: Some("outcome IS NULL"),
    };
    assert!(OracleDialect.key_index(&index).contains(" (\"OUTCOME\", LTRIM("));
}

#[test]
fn nothing_is_newer_than_12_1_and_nothing_is_the_empty_text() {
    let dialect = OracleDialect;
    let all = [
        dialect.key("x"),
        dialect.word("x"),
        dialect.text("x"),
        dialect.version("x"),
        dialect.seconds_since("x"),
        dialect.before_now(Duration::from_millis(1500)),
        dialect.same("a", "b"),
        dialect.same_document("a", "b"),
        dialect.set_query().unwrap_or_default(),
    ]
    .concat();
    for newer in ["JSON", "LISTAGG", "BOOLEAN", "PRIVATE TEMPORARY", "VALIDATE_CONVERSION", "LIMIT"] {
        assert!(!all.contains(newer), "{newer}");
    }
    assert!(!all.contains("''"));
    assert!(dialect.before_now(Duration::from_millis(1500)).contains("NUMTODSINTERVAL(1.500, 'SECOND')"));
}
