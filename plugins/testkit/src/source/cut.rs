//! Reads that end before their end.

use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{ReadSession, ScanEvent, read_all};

use crate::failure::{Checked, Failure, holds, refused, same};
use crate::look::{opened, rows, scan, strings};
use crate::{ColumnKind, Place, TestTable, Value};

/// Longer than anything that a driver, a channel or a cache of pages takes in at once.
const ROWS: usize = 20_000;

async fn long(place: &dyn Place) -> Checked<TestTable> {
    let table = TestTable::new("visit", &[("id", ColumnKind::Text), ("v", ColumnKind::Text)]);
    let rows: Vec<Vec<Value>> =
        (0..ROWS).map(|n| vec![Value::text(n.to_string()), Value::text(format!("{n:01000}"))]).collect();
    place.create(&table).await?;
    place.insert(&table, &rows).await?;
    Ok(table)
}

/// A short read would look like a thousand deletions. What was delivered before may have been delivered.
pub async fn a_scan_that_is_cut_off_is_an_error_and_never_complete(place: &dyn Place) -> Checked {
    let table = long(place).await?;
    let mut session = opened(place, &[&table]).await?;
    let mut stream = session.list(&place.table("visit"), &strings(&["id", "v"])).await?;
    let mut delivered = match stream.next().await? {
        ScanEvent::Rows(batch) => batch.num_rows(),
        ScanEvent::Complete { .. } => return Err(Failure::broken("rows", "an end before the first")),
    };
    place.cut_reads().await?;
    let error = loop {
        match stream.next().await {
            Ok(ScanEvent::Rows(batch)) => delivered += batch.num_rows(),
            Ok(ScanEvent::Complete { rows }) => {
                let found = format!("an end that attests {rows} rows after {delivered} of {ROWS}");
                return Err(Failure::broken("an error, as the read was cut off", found));
            }
            Err(error) => break error,
        }
    };
    drop(stream);
    let said = matches!(error.kind(), Kind::Incomplete | Kind::Unreachable | Kind::Data | Kind::Io | Kind::Busy);
    holds(&format!("a kind that says what happened, not {:?}", error.kind()), said)?;
    holds("rows that were delivered before the cut and not all of them", delivered < ROWS)
}

async fn one_row(session: &mut dyn ReadSession, place: &dyn Place) -> csc_bridge_core::error::Result<Vec<String>> {
    session.select(&strings(&["19999", "7"])).await?;
    Ok(rows(session.scan(&scan(place, "visit", &["id"], &[], "id")).await?.as_mut()).await?.lines())
}

/// What is read after a stream that was dropped before its first row, and one that was dropped after some.
async fn after_dropped(
    session: &mut dyn ReadSession,
    place: &dyn Place,
) -> csc_bridge_core::error::Result<Vec<String>> {
    let name = place.table("visit");
    drop(session.list(&name, &strings(&["id"])).await?);
    let mut stream = session.list(&name, &strings(&["id", "v"])).await?;
    if let ScanEvent::Complete { .. } = stream.next().await? {
        return Ok(strings(&["an end before the first row"]));
    }
    drop(stream);
    one_row(session, place).await
}

/// Dropped before the first row, after some rows: the next read has its own rows, or an error that says why not.
pub async fn after_a_dropped_stream_rows_are_right_or_refused(place: &dyn Place) -> Checked {
    let table = long(place).await?;
    let mut session = opened(place, &[&table]).await?;
    for _ in 0..3 {
        match after_dropped(session.as_mut(), place).await {
            Ok(read) => same("the rows of the next read", read, ["0|19999", "1|7"])?,
            Err(error) if error.kind() == Kind::Internal => {
                return Err(Failure::broken("rows, or an error that says why not", format!("{error:?}")));
            }
            // Of no use any more, and says so; so it must stay.
            Err(_) => {
                refused("a session that was lost", one_row(session.as_mut(), place).await)?;
                session = opened(place, &[&table]).await?;
            }
        }
    }
    Ok(())
}

/// As when a run is interrupted.
pub async fn a_session_dropped_in_mid_scan_leaves_the_source_usable(place: &dyn Place) -> Checked {
    let table = long(place).await?;
    let source = place.source()?;
    let wanted = [table.in_place(place)];
    for _ in 0..3 {
        let mut session = source.open(&wanted).await?;
        let mut stream = session.list(&place.table("visit"), &strings(&["v"])).await?;
        holds("rows first", matches!(stream.next().await?, ScanEvent::Rows(_)))?;
    }
    let mut session = source.open(&wanted).await?;
    let batches = read_all(session.list(&place.table("visit"), &strings(&["id"])).await?.as_mut()).await?;
    same("rows of the next session", batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), ROWS)?;
    // Nothing of the lost sessions keeps the table.
    same(
        "what becomes of a change",
        place.update("visit", &[("v", Value::text("x"))], Some(("id", "7"))).await?,
        crate::Touched::Done,
    )
}
