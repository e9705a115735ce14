//! One moment: what others do after a session is open does not reach it.

use csc_bridge_core::error::Result;
use csc_bridge_core::source::ReadSession;

use crate::failure::{Checked, Failure, refused, same};
use crate::look::{filled, opened, rows, scan, strings};
use crate::{ColumnKind, Place, TestTable, Touched, Value};

fn tables() -> [TestTable; 2] {
    ["person", "plan"].map(|name| TestTable::new(name, &[("id", ColumnKind::Text), ("v", ColumnKind::Text)]))
}

/// All a session can read of both tables, a line for each read.
async fn everything(session: &mut dyn ReadSession, place: &dyn Place) -> Result<Vec<String>> {
    let mut all = Vec::new();
    session.select(&strings(&["1", "2"])).await?;
    for name in ["person", "plan"] {
        let list = rows(session.list(&place.table(name), &strings(&["id", "v"])).await?.as_mut()).await?;
        all.push(format!("{name} {}", list.lines().join(" ")));
        all.push(format!("{name} {}", session.count(&place.table(name)).await?));
        let joins: &[_] = if name == "plan" { &[("id", "person", "id")] } else { &[] };
        let read = rows(session.scan(&scan(place, name, &["v"], joins, "id")).await?.as_mut()).await?;
        all.push(format!("{name} {}", read.lines().join(" ")));
    }
    Ok(all)
}

const BEFORE: [&str; 6] = ["person 1|a", "person 1", "person 0|a", "plan 1|p", "plan 1", "plan 0|p"];

/// Neither in a table that was read already nor in one that was not: tables must fit each other.
pub async fn a_session_sees_one_moment_of_all_its_tables(place: &dyn Place) -> Checked {
    let [person, plan] = tables();
    filled(place, &person, &[&["1", "a"]]).await?;
    filled(place, &plan, &[&["1", "p"]]).await?;
    let mut session = opened(place, &[&person, &plan]).await?;
    same("what is read at first", everything(session.as_mut(), place).await?, BEFORE)?;
    drop(session);

    let mut session = opened(place, &[&person, &plan]).await?;
    let changed = [("v", Value::text("changed"))];
    let mut kept_out = Vec::new();
    for (table, v) in [(&person, "b"), (&plan, "q")] {
        place.insert(table, &[vec![Value::text("2"), Value::text(v)]]).await?;
        // A product may keep TRUNCATE out by a lock that is one row's, too.
        if place.update(&table.name, &changed, Some(("id", "1"))).await? == Touched::KeptOut {
            kept_out.push(table);
        }
    }
    same("what is read while others write", everything(session.as_mut(), place).await?, BEFORE)?;
    drop(session);
    for table in kept_out {
        same("a change", place.update(&table.name, &changed, Some(("id", "1"))).await?, Touched::Done)?;
    }

    let mut session = opened(place, &[&person, &plan]).await?;
    let now = everything(session.as_mut(), place).await?;
    same("what the next session reads", &now[..2], ["person 1|changed 2|b", "person 2"])
}

/// The nightly refresh of the SSD. Under a snapshot alone, a table that is truncated may read as empty, or as what came after.
pub async fn a_refill_under_an_open_session_is_never_read(place: &dyn Place) -> Checked {
    let [person, plan] = tables();
    filled(place, &person, &[&["1", "a"]]).await?;
    filled(place, &plan, &[&["1", "p"]]).await?;
    for read_before in [false, true] {
        let mut session = opened(place, &[&person, &plan]).await?;
        if read_before {
            same("what is read at first", everything(session.as_mut(), place).await?, BEFORE)?;
        }
        let again =
            vec![vec![Value::text("1"), Value::text("refilled")], vec![Value::text("2"), Value::text("refilled")]];
        let mut kept_out = true;
        for table in [&person, &plan] {
            kept_out &= place.refill(table, &again).await? == Touched::KeptOut;
        }
        match everything(session.as_mut(), place).await {
            Ok(read) => same("what is read after a refill", read, BEFORE)?,
            // Detected: a clear error is as good.
            Err(error) if !kept_out && error.kind() != csc_bridge_core::error::Kind::Internal => {}
            Err(error) => {
                return Err(Failure::broken("the rows, or an error that says what happened", format!("{error:?}")));
            }
        }
        drop(session);
        for (table, v) in [(&person, "a"), (&plan, "p")] {
            place.delete(&table.name, None).await?;
            place.insert(table, &[vec![Value::text("1"), Value::text(v)]]).await?;
        }
    }
    Ok(())
}

/// It has no lock, and perhaps no moment.
pub async fn a_table_that_was_not_named_at_opening_is_not_read(place: &dyn Place) -> Checked {
    let [person, plan] = tables();
    filled(place, &person, &[&["1", "a"]]).await?;
    filled(place, &plan, &[&["1", "p"]]).await?;
    let mut session = opened(place, &[&person]).await?;
    session.select(&strings(&["1"])).await?;
    let plan = place.table("plan");
    refused("a list of it", session.list(&plan, &strings(&["id"])).await.map(drop))?;
    refused("a count of it", session.count(&plan).await)?;
    refused("a scan of it", session.scan(&scan(place, "plan", &["id"], &[], "id")).await.map(drop))?;
    let joined = scan(place, "person", &["id"], &[("id", "plan", "id")], "id");
    refused("a join with it", session.scan(&joined).await.map(drop))?;
    Ok(())
}
