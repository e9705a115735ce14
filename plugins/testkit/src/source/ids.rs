//! Ids are compared as trimmed text by exact characters: two children are never taken for one.

use crate::failure::{Checked, Failure, same};
use crate::look::{filled, listed, opened, scan, scanned, strings};
use crate::{ColumnKind, Place, TestTable, Value};

/// Children whose ids are alike, each with a row of its own and one row that it reaches by a join.
async fn apart(place: &dyn Place, kind: ColumnKind, ids: &[&str]) -> Checked {
    let person = TestTable::new("person", &[("id", kind), ("v", ColumnKind::Text)]);
    let plan = TestTable::new("plan", &[("person", kind), ("v", ColumnKind::Text)]);
    let rows = |what: &str| -> Vec<Vec<Value>> {
        let row = |(at, id): (usize, &&str)| vec![Value::text(*id), Value::text(format!("{what} {at}"))];
        ids.iter().enumerate().map(row).collect()
    };
    for (table, rows) in [(&person, rows("own")), (&plan, rows("joined"))] {
        place.create(table).await?;
        place.insert(table, &rows).await?;
    }
    let mut session = opened(place, &[&person, &plan]).await?;
    let own = scan(place, "person", &["v"], &[], "id");
    let joined = scan(place, "plan", &["v"], &[("person", "person", "id")], "id");
    session.select(&strings(ids)).await?;
    let expected = |what: &str| -> Vec<String> { (0..ids.len()).map(|at| format!("{at}|{what} {at}")).collect() };
    same("rows of all", scanned(session.as_mut(), &own).await?.lines(), expected("own"))?;
    same("joined rows of all", scanned(session.as_mut(), &joined).await?.lines(), expected("joined"))?;
    for (at, id) in ids.iter().enumerate() {
        session.select(&strings(&[id])).await?;
        same("rows of one", scanned(session.as_mut(), &own).await?.lines(), [format!("0|own {at}")])?;
        same("joined rows of one", scanned(session.as_mut(), &joined).await?.lines(), [format!("0|joined {at}")])?;
    }
    Ok(())
}

fn folding(place: &dyn Place) -> ColumnKind {
    if place.facts().folds { ColumnKind::FoldingText } else { ColumnKind::Text }
}

/// Even in columns whose collation folds case.
pub async fn ids_alike_but_for_case_stay_apart(place: &dyn Place) -> Checked {
    apart(place, folding(place), &["ab1", "AB1", "Ab1", "straße", "STRASSE"]).await
}

/// Full-width digits and letters are other characters.
pub async fn ids_alike_but_for_width_stay_apart(place: &dyn Place) -> Checked {
    apart(place, folding(place), &["12", "１２", "a1", "ａ1"]).await
}

/// An accent makes another id, and so does the way in which it is composed.
pub async fn ids_alike_but_for_accents_stay_apart(place: &dyn Place) -> Checked {
    apart(place, folding(place), &["e1", "é1", "e\u{301}1", "ø", "o"]).await
}

/// Ids are never cut.
pub async fn ids_alike_in_their_first_hundred_characters_stay_apart(place: &dyn Place) -> Checked {
    let long = "x".repeat(100);
    apart(place, ColumnKind::Text, &[&long, &format!("{long}1"), &format!("{long}2")]).await
}

/// White space as Unicode has it, at both ends, on either side of a comparison; within an id it counts.
pub async fn ids_match_without_the_white_space_of_unicode_at_their_ends(place: &dyn Place) -> Checked {
    let white: Vec<char> = ('\u{1}'..=char::MAX).filter(|c| c.is_whitespace()).collect();
    let person = TestTable::new("person", &[("id", ColumnKind::Text)]);
    let plan = TestTable::new("plan", &[("id", ColumnKind::Text), ("person", ColumnKind::Text)]);
    let (mut persons, mut plans, mut children) = (Vec::new(), Vec::new(), Vec::new());
    for (at, space) in white.iter().enumerate() {
        persons.push(vec![Value::text(format!("{space}{at} x{space}{space}"))]);
        plans.push(vec![Value::text(at.to_string()), Value::text(format!("{at} x{space}\n"))]);
        // The same without the space within: somebody else.
        plans.push(vec![Value::text("wrong"), Value::text(format!("{at}x"))]);
        children.push(format!("{at} x"));
    }
    for (table, rows) in [(&person, persons), (&plan, plans)] {
        place.create(table).await?;
        place.insert(table, &rows).await?;
    }
    let mut session = opened(place, &[&person, &plan]).await?;
    session.select(&children).await?;
    let own = scanned(session.as_mut(), &scan(place, "person", &["id"], &[], "id")).await?;
    same("children found", own.len(), white.len())?;
    let joined = scan(place, "plan", &["id"], &[("person", "person", "id")], "id");
    let mut expected: Vec<String> = (0..white.len()).map(|at| format!("{at}|{at}")).collect();
    expected.sort();
    same("rows that reach a child by padded keys", scanned(session.as_mut(), &joined).await?.lines(), expected)
}

/// A column of a fixed width against one that is not.
pub async fn ids_padded_to_a_fixed_width_match(place: &dyn Place) -> Checked {
    let person = TestTable::new("person", &[("id", ColumnKind::Char(12)), ("v", ColumnKind::Text)]);
    let plan = TestTable::new("plan", &[("id", ColumnKind::Text), ("person", ColumnKind::VarChar(12))]);
    filled(place, &person, &[&["17", "a"], &["18", "b"]]).await?;
    filled(place, &plan, &[&["p", "17"], &["q", "18 "], &["r", "178"]]).await?;
    let mut session = opened(place, &[&person, &plan]).await?;
    session.select(&strings(&["18", "17"])).await?;
    let own = scanned(session.as_mut(), &scan(place, "person", &["v"], &[], "id")).await?;
    same("rows of children with padded ids", own.lines(), ["0|b", "1|a"])?;
    let joined = scan(place, "plan", &["id"], &[("person", "person", "id")], "id");
    same("rows that reach them", scanned(session.as_mut(), &joined).await?.lines(), ["0|q", "1|p"])
}

/// Children whose ids are of one kind, with plans that name them as text.
async fn named_by_text(place: &dyn Place, kind: ColumnKind, ids: &[(Value, &str)], strangers: &[&str]) -> Checked {
    let person = TestTable::new("person", &[("id", kind)]);
    let plan = TestTable::new("plan", &[("id", ColumnKind::Text), ("person", ColumnKind::Text)]);
    place.create(&person).await?;
    place.insert(&person, &ids.iter().map(|(value, _)| vec![value.clone()]).collect::<Vec<_>>()).await?;
    let plans = ids.iter().map(|(_, text)| *text).chain(strangers.iter().copied());
    place.create(&plan).await?;
    place
        .insert(&plan, &plans.map(|text| vec![Value::text(text), Value::text(format!(" {text}"))]).collect::<Vec<_>>())
        .await?;
    let mut session = opened(place, &[&person, &plan]).await?;
    let children: Vec<String> = ids.iter().map(|(_, text)| (*text).to_owned()).collect();
    let mut expected = children.clone();
    expected.sort();
    same("the ids as they are listed", listed(session.as_mut(), place, "person", &["id"]).await?.lines(), expected)?;
    session.select(&children).await?;
    let tagged: Vec<String> = children.iter().enumerate().map(|(at, id)| format!("{at}|{id}")).collect();
    let own = scanned(session.as_mut(), &scan(place, "person", &["id"], &[], "id")).await?;
    same("rows of the children", own.lines(), tagged.clone())?;
    let joined = scan(place, "plan", &["id"], &[("person", "person", "id")], "id");
    same("rows that name them as text", scanned(session.as_mut(), &joined).await?.lines(), tagged)
}

/// Mosaic keeps an id as a number in one table and as text in the next. `017` is not 17.
pub async fn whole_numbers_match_texts_of_them(place: &dyn Place) -> Checked {
    let ids =
        [(Value::Integer(17), "17"), (Value::Integer(-3), "-3"), (Value::Integer(i64::MAX), "9223372036854775807")];
    named_by_text(place, ColumnKind::BigInteger, &ids, &["017", "17.0", "1"]).await
}

/// An id in a column of decimals (Oracle's NUMBER) is the whole number that it looks like.
pub async fn decimals_without_a_fraction_match_texts_of_them(place: &dyn Place) -> Checked {
    let number = |text: &str| Value::Number(text.to_owned());
    let ids = [(number("17"), "17"), (number("120"), "120"), (number("1234567890"), "1234567890")];
    named_by_text(place, ColumnKind::Numeric { precision: 12, scale: 0 }, &ids, &["017", "12"]).await
}

/// A type of the product's own, and its usual text.
pub async fn uuids_match_texts_of_them(place: &dyn Place) -> Checked {
    let printed = ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "00000000-0000-0000-0000-0000000000ab"]
        .map(|uuid| place.facts().printed_uuid(uuid));
    let ids: Vec<(Value, &str)> = printed.iter().map(|uuid| (Value::text(uuid), uuid.as_str())).collect();
    named_by_text(place, ColumnKind::Uuid, &ids, &[]).await
}

/// Ways to have no key; the last two are what [`scan`] names as placeholders.
const KEYLESS: [Option<&str>; 6] =
    [None, Some(""), Some("  "), Some("\u{a0}\t\u{2003}"), Some(" -1\u{3000}"), Some("SSD_PH")];

/// At any step of a path: two records that both lack a key have nothing to do with each other.
pub async fn a_key_that_is_null_blank_or_a_placeholder_joins_nothing(place: &dyn Place) -> Checked {
    let kind = ColumnKind::Text;
    let episode = TestTable::new("episode", &[("id", kind), ("person", kind)]);
    let plan = TestTable::new("plan", &[("id", kind), ("episode", kind)]);
    let review = TestTable::new("review", &[("id", kind), ("plan", kind)]);
    let row = |a: Option<&str>, b: Option<&str>| [a, b].map(|cell| cell.map_or(Value::Null, Value::text)).to_vec();
    let mut episodes = vec![row(Some("e1"), Some("A")), row(Some("e2"), Some("B"))];
    let mut plans = vec![row(Some("p1"), Some("e1"))];
    let mut reviews = vec![row(Some("good"), Some("p1"))];
    for none in KEYLESS {
        episodes.extend([row(none, Some("B")), row(none, Some("A")), row(Some("lost"), none)]);
        plans.extend([
            row(none, Some("e1")),
            row(none, Some("e2")),
            row(Some("p2"), none),
            row(Some("p3"), Some("lost")),
        ]);
        reviews.extend([row(Some("bad"), none), row(Some("bad"), Some("p2")), row(Some("bad"), Some("p3"))]);
    }
    for (table, rows) in [(&episode, episodes), (&plan, plans), (&review, reviews)] {
        place.create(table).await?;
        place.insert(table, &rows).await?;
    }
    let mut session = opened(place, &[&episode, &plan, &review]).await?;
    // Nobody should select such children; if somebody does, they have no rows.
    session.select(&strings(&["A", "B", "-1", "", "SSD_PH"])).await?;
    let joins = [("plan", "plan", "id"), ("episode", "episode", "id")];
    let reviews = scanned(session.as_mut(), &scan(place, "review", &["id"], &joins, "person")).await?;
    same("reviews", reviews.lines(), ["0|good"])?;
    for (what, table, column, joins, expected) in [
        ("plans", "plan", "episode", &joins[1..], ["0|e1", "1|e2"]),
        ("episodes", "episode", "person", &[], ["0|A", "1|B"]),
    ] {
        let mut lines = scanned(session.as_mut(), &scan(place, table, &[column], joins, "person")).await?.lines();
        lines.dedup();
        same(what, lines, expected)?;
    }
    Ok(())
}

/// The texts of the configuration stand in a statement: they must not be able to change it.
pub async fn placeholders_are_only_texts_whatever_they_hold(place: &dyn Place) -> Checked {
    let hostile = "x'); DROP TABLE t; --";
    let table = TestTable::new("t", &[("id", ColumnKind::Text)]);
    filled(place, &table, &[&["1"], &["it's"], &["\\"], &["$1"], &[hostile]]).await?;
    let mut session = opened(place, &[&table]).await?;
    let children = ["1", "it's", "\\", "$1", hostile];
    session.select(&strings(&children)).await?;
    let mut wanted = scan(place, "t", &["id"], &[], "id");
    wanted.path_to_child.no_key = Vec::new();
    same("rows without placeholders", scanned(session.as_mut(), &wanted).await?.len(), children.len())?;
    wanted.path_to_child.no_key = strings(&["it's", "\\", "  ", hostile]);
    same("rows beside placeholders", scanned(session.as_mut(), &wanted).await?.lines(), ["0|1", "3|$1"])?;
    wanted.path_to_child.no_key = strings(&["\0"]);
    match session.scan(&wanted).await.map(drop) {
        Err(error) if error.kind() == csc_bridge_core::error::Kind::Internal => {
            Err(Failure::broken("U+0000 in a placeholder to be a mistake of the configuration", format!("{error:?}")))
        }
        _ => Ok(()),
    }
}
