//! How a row reaches its child.

use crate::failure::{Checked, same};
use crate::look::{filled, opened, scan, scanned, strings};
use crate::{ColumnKind, Place, TestTable, Value};

const TEXT: ColumnKind = ColumnKind::Text;

/// Referrals with numbers for ids, plans that name them by padded text, visits that name plans.
pub async fn rows_reach_their_child_by_one_join_and_by_two(place: &dyn Place) -> Checked {
    let whole = ColumnKind::Integer;
    let referral = TestTable::new("referral", &[("id", whole), ("person", whole)]);
    let plan = TestTable::new("plan", &[("id", TEXT), ("referral", TEXT)]);
    let visit = TestTable::new("visit", &[("id", TEXT), ("plan", TEXT)]);
    place.create(&referral).await?;
    let rows =
        [(1, 17), (2, 17), (3, 18), (4, 19)].map(|(id, person)| vec![Value::Integer(id), Value::Integer(person)]);
    place.insert(&referral, &rows).await?;
    place.insert(&referral, &[vec![Value::Integer(5), Value::Null]]).await?;
    filled(place, &plan, &[&["a", "1"], &["b", " 2"], &["c", "3  "], &["d", "4"], &["e", "5"], &["f", "03"]]).await?;
    filled(place, &visit, &[&["v", "a"], &["w", " c"], &["x", "d"], &["y", "nothing"], &["z", "a"]]).await?;
    let mut session = opened(place, &[&referral, &plan, &visit]).await?;
    session.select(&strings(&["18", "17"])).await?;
    let joins = [("plan", "plan", "id"), ("referral", "referral", "id")];
    for (table, joins, expected) in [
        ("referral", &joins[2..], vec!["0|3", "1|1", "1|2"]),
        ("plan", &joins[1..], vec!["0|c", "1|a", "1|b"]),
        ("visit", &joins[..], vec!["0|w", "1|v", "1|z"]),
    ] {
        let read = scanned(session.as_mut(), &scan(place, table, &["id"], joins, "person")).await?;
        same(&format!("rows of {table} by {} joins", joins.len()), read.lines(), expected)?;
    }
    Ok(())
}

async fn family(place: &dyn Place, members: &[&[&str]]) -> Checked<Vec<String>> {
    let family = TestTable::new("family", &[("id", TEXT), ("person", TEXT)]);
    let event = TestTable::new("event", &[("id", TEXT), ("family", TEXT)]);
    filled(place, &family, members).await?;
    filled(place, &event, &[&["e", "f"]]).await?;
    let mut session = opened(place, &[&family, &event]).await?;
    session.select(&strings(&["1", "2", "3"])).await?;
    let events = scan(place, "event", &["id"], &[("family", "family", "id")], "person");
    Ok(scanned(session.as_mut(), &events).await?.lines())
}

/// Partners that are the same but for padding are several, too.
pub async fn a_row_that_reaches_a_child_by_two_partners_comes_once(place: &dyn Place) -> Checked {
    let events = family(place, &[&["f", "1"], &["f", "1"], &[" f ", "1"], &["f", " 1"]]).await?;
    same("the rows of the child", events, ["0|e"])
}

/// Once for each of them, also where another partner repeats one.
pub async fn a_row_that_reaches_two_children_comes_for_each(place: &dyn Place) -> Checked {
    let events = family(place, &[&["f", "1"], &["f", "2"], &["f", "1"], &["g", "3"]]).await?;
    same("the rows of two children", events, ["0|e", "1|e"])
}

/// Only partners are counted once: rows of the scanned table are rows.
pub async fn rows_that_look_the_same_all_come(place: &dyn Place) -> Checked {
    let table = TestTable::new("t", &[("id", TEXT), ("v", TEXT)]);
    filled(place, &table, &[&["1", "a"], &["1", "a"], &["1", "a"]]).await?;
    let mut session = opened(place, &[&table]).await?;
    session.select(&strings(&["1"])).await?;
    let direct = scanned(session.as_mut(), &scan(place, "t", &["v"], &[], "id")).await?;
    same("the rows", direct.lines(), ["0|a", "0|a", "0|a"])?;
    let joined = scanned(session.as_mut(), &scan(place, "t", &["v"], &[("id", "t", "id")], "id")).await?;
    same("the rows by a join", joined.lines(), ["0|a", "0|a", "0|a"])
}
