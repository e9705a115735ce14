//! Tables and columns that are not there, not readable, or strangely named.

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::source::Table;

use crate::failure::{Checked, Failure, holds, refused, same};
use crate::look::{filled, listed, opened, rows, scan, scanned, strings};
use crate::{ColumnKind, Place, TestTable, Value};

const TEXT: ColumnKind = ColumnKind::Text;

fn person() -> TestTable {
    TestTable::new("person", &[("id", TEXT), ("born", TEXT)])
}

fn names(error: &Error, words: &[&str]) -> Checked {
    let lacks = words.iter().find(|word| !error.message().contains(**word));
    match lacks {
        _ if error.kind() != Kind::Schema => Err(Failure::broken("an error of the schema", format!("{error:?}"))),
        Some(word) => Err(Failure::broken(format!("a message that names {word}"), error.message())),
        None => holds("advice", !error.advice().trim().is_empty()),
    }
}

/// At opening, before anything is read, with advice.
pub async fn a_missing_table_is_named(place: &dyn Place) -> Checked {
    filled(place, &person(), &[&["1", ""]]).await?;
    let missing = TestTable::new("plans_of_nobody", &[("id", TEXT)]);
    let tables = [person().in_place(place), missing.in_place(place)];
    names(&refused("a table that is not there", place.source()?.open(&tables).await.map(drop))?, &["plans_of_nobody"])
}

/// The first that is missing.
pub async fn a_missing_column_is_named_with_its_table(place: &dyn Place) -> Checked {
    filled(place, &person(), &[&["1", ""]]).await?;
    let table = Table { name: place.table("person"), columns: strings(&["id", "date_of_nothing", "sex_of_nothing"]) };
    let error = refused("columns that are not there", place.source()?.open(&[table]).await.map(drop))?;
    names(&error, &["person", "date_of_nothing"])?;
    // A column that went since.
    place.drop_column("person", "born").await?;
    let error = refused("a column that went", place.source()?.open(&[person().in_place(place)]).await.map(drop))?;
    names(&error, &["person", "born"])
}

/// At opening or while reading, whichever comes first; never with what stands in a row.
pub async fn bytes_where_text_should_be_are_refused_by_name_and_not_quoted(place: &dyn Place) -> Checked {
    let table = TestTable::new("scan_of_paper", &[("id", TEXT), ("picture", ColumnKind::Binary)]);
    place.create(&table).await?;
    place.insert(&table, &[vec![Value::text("secret-id"), Value::Bytes(b"secret-bytes".to_vec())]]).await?;
    let read = async {
        let mut session = place.source()?.open(&[table.in_place(place)]).await.map_err(Ok::<Error, Failure>);
        let session = match &mut session {
            Ok(session) => session,
            Err(Ok(error)) => return Ok(Err(std::mem::replace(error, Error::internal("")))),
            Err(Err(failure)) => return Err(failure.clone()),
        };
        session.select(&strings(&["secret-id"])).await?;
        let wanted = scan(place, "scan_of_paper", &["picture"], &[], "id");
        Ok(match session.scan(&wanted).await {
            Ok(mut stream) => rows(stream.as_mut()).await,
            Err(error) => Err(error),
        })
    };
    let error: Error = refused("a column of bytes", read.await?)?;
    holds("a fault of the schema or of the data", matches!(error.kind(), Kind::Schema | Kind::Data))?;
    holds("a message that names the column", error.message().contains("picture"))?;
    let said = format!("{error:?}").to_lowercase();
    holds("an error that quotes no value", !said.contains("secret") && !said.contains("7365637265742d"))
}

async fn only_names(place: &dyn Place, all: &[(&str, &str, &str)]) -> Checked {
    let bystander = TestTable::new("bystander", &[("id", TEXT)]);
    filled(place, &bystander, &[&["stays"]]).await?;
    for (name, id, value) in all {
        let table = TestTable::new(name, &[(id, TEXT), (value, TEXT)]);
        filled(place, &table, &[&["1", "v"]]).await.map_err(|failure| failure.within(format!("making {name:?}")))?;
        let mut session = opened(place, &[&table]).await.map_err(|failure| failure.within(format!("{name:?}")))?;
        session.select(&strings(&["'; DROP TABLE bystander; --", "1"])).await?;
        let read = scanned(session.as_mut(), &scan(place, name, &[value], &[(id, name, id)], id)).await?;
        same(&format!("rows of {name:?}"), read.lines(), ["1|v"])?;
        same("its list", listed(session.as_mut(), place, name, &[value, id]).await?.lines(), ["v|1"])?;
        same("its count", session.count(&place.table(name)).await?, 1)?;
    }
    same("the bystander", place.read("bystander", &["id"]).await?, [[Some("stays".to_owned())]])
}

/// Quotes of every product, brackets, semicolons, comments, spaces, placeholders.
pub async fn hostile_names_are_only_names(place: &dyn Place) -> Checked {
    only_names(
        place,
        &[
            ("t\"; DROP TABLE bystander; --", "the id's \"column\"; x", "a b;'"),
            ("a [b] ]] c", "[id]", "]v["),
            ("back`tick", "`id`", "``"),
            ("percent %s $1 ?1 :1", "$1", ":v"),
            ("/* comment */", "--id", "v\\"),
            (" a space", "id ", " v"),
        ],
    )
    .await
}

/// Words of SQL, capitals, letters of other scripts.
pub async fn reserved_and_foreign_words_are_names(place: &dyn Place) -> Checked {
    only_names(
        place,
        &[
            ("select", "order", "group"),
            ("user", "from", "null"),
            ("Mixed_Case", "Person_ID", "Value"),
            ("Übergänge", "ид", "名前"),
        ],
    )
    .await
}

/// What an adapter calls its temporary tables, and the tables and columns within its statements, the SSD may call its own.
pub async fn names_that_statements_give_their_parts_are_names(place: &dyn Place) -> Checked {
    only_names(
        place,
        &[
            ("csc_bridge_set", "id", "nr"),
            ("s1", "k", "number"),
            ("s2", "child", "k"),
            ("t", "c", "e"),
            ("c", "nr", "id"),
            ("nr", "number", "x"),
        ],
    )
    .await
}

/// Names of as many characters as the product takes, up to 120, that differ in the last one only.
pub async fn names_of_sixty_characters_are_not_cut(place: &dyn Place) -> Checked {
    let length = place.facts().longest_name.min(120);
    holds("names of sixty characters", length >= 60)?;
    let name = |last: &str| format!("{}{last}", "long_name_".repeat(12)[..length - 1].to_owned());
    let (one, two) = (name("1"), name("2"));
    let tables = [&one, &two].map(|table| TestTable::new(table, &[(one.as_str(), TEXT), (two.as_str(), TEXT)]));
    filled(place, &tables[0], &[&["1", "first"]]).await?;
    filled(place, &tables[1], &[&["second", "1"]]).await?;
    let mut session = opened(place, &[&tables[0], &tables[1]]).await?;
    session.select(&strings(&["1"])).await?;
    let first = scanned(session.as_mut(), &scan(place, &one, &[&two], &[], &one)).await?;
    same("rows of the first", first.lines(), ["0|first"])?;
    let second = scanned(session.as_mut(), &scan(place, &two, &[&one], &[(&two, &one, &one)], &one)).await?;
    same("rows of the second", second.lines(), ["0|second"])
}

/// Many SSDs are views over the CMS.
pub async fn a_view_is_read_like_a_table(place: &dyn Place) -> Checked {
    filled(place, &person(), &[&["1", "a"], &["2", "b"]]).await?;
    place.make_view("person_view", "person", &["born", "id"]).await?;
    let view = TestTable::new("person_view", &[("id", TEXT), ("born", TEXT)]);
    let mut session = opened(place, &[&view]).await?;
    session.select(&strings(&["2", "1"])).await?;
    let read = scanned(session.as_mut(), &scan(place, "person_view", &["born"], &[], "id")).await?;
    same("rows of a view", read.lines(), ["0|b", "1|a"])
}

/// The account of a CMS's supplier: nothing may be created, written or locked that takes a right to write.
pub async fn an_account_that_may_only_select_can_read(place: &dyn Place) -> Checked {
    filled(place, &person(), &[&["1", "a"], &["2", "b"]]).await?;
    let reader = place.restrict_to_select().await?;
    let reader = reader.as_ref();
    let mut session = opened(reader, &[&person()]).await?;
    session.select(&strings(&["2", "1"])).await?;
    let read = scanned(session.as_mut(), &scan(reader, "person", &["born"], &[], "id")).await?;
    same("rows", read.lines(), ["0|b", "1|a"])?;
    same("the count", session.count(&reader.table("person")).await?, 2)
}
