//! The same cohort as other CMS would keep it.

use csc_bridge_core::config::Profile;
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::Cell;

use crate::memory::text;
use crate::{made_for, profile};

#[tokio::test]
async fn mosaic_has_integer_ids_other_names_words_and_no_care_leavers() {
    let (database, report) = made_for(&profile("mosaic"), 400, 1, 0.05).await;
    assert_eq!(report.rows.len(), 18);
    assert!(!database.tables.contains_key("ssd_care_leavers"));
    let referrals = database.rows("ssd_cin_episodes");
    assert!(referrals.iter().all(|row| matches!(row["cine_referral_id"], Cell::Integer(_))));
    // A reference in a text column is the same number.
    let known: Vec<String> = referrals.iter().filter_map(|row| text(row.get("cine_referral_id"))).collect();
    let found = database.texts("ssd_cin_assessments", "cina_referral_id");
    assert!(found.iter().all(|id| known.contains(&id.trim().to_owned())));
    assert!(database.rows("ssd_s47_enquiry").iter().all(|row| matches!(row["s47e_s47_enquiry_id"], Cell::Integer(_))));
    assert!(database.rows("ssd_cin_plans").iter().all(|row| row.contains_key("cin_plan_id")));
    assert!(
        database.rows("ssd_sdq_scores").iter().all(|row| matches!(row["csdq_sdq_score"], Cell::Text(_) | Cell::Null))
    );
    assert!(database.texts("ssd_person", "pers_sex").contains(&"Female".to_owned()));
}

#[tokio::test]
async fn every_built_in_profile_can_be_generated() {
    for name in ["systemc", "mosaic", "eclipse", "azeus", "sqlite"] {
        let (database, report) = made_for(&profile(name), 120, 2, 0.3).await;
        assert_eq!(report.children, 120);
        assert!(database.total() > 3_000, "{name}");
    }
}

#[tokio::test]
async fn schemas_renames_missing_tables_and_columns_are_obeyed() {
    let profile: Profile = toml::from_str(
        r#"
        name = "own"
        adapter = "sqlite"
        schema = "ssd"
        [tables.ssd_person]
        table = "people"
        missing_columns = ["pers_legacy_id"]
        columns = { pers_person_id = "id" }
        [tables.ssd_address]
        schema = "geo"
        [tables.ssd_sdq_scores]
        missing = true
        [values.ssd_involvements.invo_professional_role_id]
        "Case worker" = "CW"
        "#,
    )
    .unwrap();
    let (database, report) = made_for(&profile, 100, 3, 0.1).await;
    let people = &database.created["ssd.people"];
    assert!(people.columns.contains(&("id".to_owned(), ColumnType::Id)));
    assert!(!people.columns.iter().any(|(column, _)| column == "pers_legacy_id"));
    assert!(people.indexes.contains(&"id".to_owned()));
    assert!(database.created.contains_key("geo.ssd_address"));
    assert!(!report.rows.contains_key("ssd_sdq_scores"));
    let roles = database.texts("ssd.ssd_involvements", "invo_professional_role_id");
    assert!(roles.contains(&"Case worker".to_owned()) && !roles.contains(&"CW".to_owned()));
}

#[tokio::test]
async fn columns_by_which_children_and_parents_are_found_are_indexed() {
    let (database, _) = made_for(&Profile::default(), 10, 3, 0.0).await;
    for (table, index) in [
        ("ssd_address", "addr_person_id"),
        ("ssd_cin_assessments", "cina_referral_id"),
        ("ssd_cin_episodes", "cine_person_id"),
        ("ssd_cin_episodes", "cine_referral_id"),
        ("ssd_cla_placement", "clap_cla_id"),
        ("ssd_involvements", "invo_professional_id"),
        ("ssd_professionals", "prof_professional_id"),
    ] {
        assert!(database.created[table].indexes.contains(&index.to_owned()), "{table}.{index}");
    }
}
