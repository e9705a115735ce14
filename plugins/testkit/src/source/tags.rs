//! Every row is delivered, and has its child's number.

use csc_bridge_core::source::read_all;

use crate::failure::{Checked, holds, same};
use crate::look::{filled, listed, opened, scan, scanned, strings};
use crate::{ColumnKind, Place, TestTable, Value};

fn children() -> TestTable {
    TestTable::new("child", &[("id", ColumnKind::Text), ("v", ColumnKind::Text)])
}

/// No child selected is a good scan without rows, whether or not a set was selected before.
pub async fn a_scan_for_no_child_is_empty_and_complete(place: &dyn Place) -> Checked {
    filled(place, &children(), &[&["1", "a"], &["2", "b"]]).await?;
    let mut session = opened(place, &[&children()]).await?;
    let wanted = scan(place, "child", &["id", "v"], &[], "id");
    session.select(&[]).await?;
    same("rows of no child", scanned(session.as_mut(), &wanted).await?.len(), 0)?;
    session.select(&strings(&["1"])).await?;
    session.select(&[]).await?;
    same("rows of no child after a set of one", scanned(session.as_mut(), &wanted).await?.len(), 0)?;
    session.select(&strings(&["nobody"])).await?;
    same("rows of a child that is not there", scanned(session.as_mut(), &wanted).await?.len(), 0)
}

/// The smallest sets; the number is the place in the set, not in the table.
pub async fn one_child_and_two_children_get_their_own_rows(place: &dyn Place) -> Checked {
    filled(place, &children(), &[&["1", "a"], &["2", "b"], &["2", "c"], &["3", "d"]]).await?;
    let mut session = opened(place, &[&children()]).await?;
    let wanted = scan(place, "child", &["v", "id"], &[], "id");
    for (set, expected) in [
        (vec!["2"], vec!["0|b|2", "0|c|2"]),
        (vec!["3", "1"], vec!["0|d|3", "1|a|1"]),
        (vec!["1", "nobody"], vec!["0|a|1"]),
    ] {
        session.select(&strings(&set)).await?;
        same(&format!("the rows of {set:?}"), scanned(session.as_mut(), &wanted).await?.lines(), expected)?;
    }
    Ok(())
}

/// Ids whose order differs from collation to collation, in a column that folds if the product has one, and a set in an order
/// of its own.
pub async fn each_row_of_five_thousand_children_has_its_childs_number(place: &dyn Place) -> Checked {
    let kind = if place.facts().folds { ColumnKind::FoldingText } else { ColumnKind::Text };
    let table = TestTable::new("child", &[("id", kind), ("v", ColumnKind::Text)]);
    let shapes = ["a", "B", "_", "é", "10-", "Z ", "ß", "x.y"];
    let ids: Vec<String> = (0..6000).map(|n| format!("{}{n}", shapes[n % shapes.len()])).collect();
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| vec![Value::text(id), Value::text(format!("of {id}"))]).collect();
    place.create(&table).await?;
    place.insert(&table, &rows).await?;
    // 3,001 has no factor in common with 6,000: every child of the table comes up, in a strange order.
    let set: Vec<String> = (0..5000).map(|n| ids[n * 3001 % 6000].clone()).collect();
    let mut session = opened(place, &[&table]).await?;
    session.select(&set).await?;
    let read = scanned(session.as_mut(), &scan(place, "child", &["id", "v"], &[], "id")).await?;
    same("rows of 5,000 children", read.len(), 5000)?;
    for row in read.iter() {
        let number: usize = row[0].as_deref().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        same("the id of the child with a row's number", set.get(number), row[1].as_ref())?;
        same("the row's own value", row[2].clone(), row[1].as_ref().map(|id| format!("of {id}")))?;
    }
    Ok(())
}

/// A second set replaces the first, whether larger or smaller.
pub async fn a_new_set_takes_the_place_of_the_one_before(place: &dyn Place) -> Checked {
    filled(place, &children(), &[&["1", "a"], &["2", "b"], &["3", "c"]]).await?;
    let mut session = opened(place, &[&children()]).await?;
    let wanted = scan(place, "child", &["v"], &[], "id");
    for (set, expected) in [
        (vec!["1", "2"], vec!["0|a", "1|b"]),
        (vec!["3"], vec!["0|c"]),
        (vec!["2", "3", "1"], vec!["0|b", "1|c", "2|a"]),
    ] {
        session.select(&strings(&set)).await?;
        same(&format!("the rows of {set:?}"), scanned(session.as_mut(), &wanted).await?.lines(), expected)?;
    }
    Ok(())
}

/// The list of children, and the counts that guards compare.
pub async fn a_list_has_every_row_and_a_count_says_how_many(place: &dyn Place) -> Checked {
    let empty = TestTable::new("empty_one", &[("id", ColumnKind::Text)]);
    place.create(&empty).await?;
    filled(place, &children(), &[&["1", "a"], &["2", "b"], &["2", "b"]]).await?;
    let mut session = opened(place, &[&children(), &empty]).await?;
    session.select(&strings(&["1"])).await?;
    same("the list", listed(session.as_mut(), place, "child", &["v", "id"]).await?.lines(), ["a|1", "b|2", "b|2"])?;
    same("the list of an empty table", listed(session.as_mut(), place, "empty_one", &["id"]).await?.len(), 0)?;
    same("the count", session.count(&place.table("child")).await?, 3)?;
    same("the count of an empty table", session.count(&place.table("empty_one")).await?, 0)
}

/// The first column is `child`, 32 bits, never null; then the columns asked for, in their order, in every batch.
pub async fn all_batches_have_one_schema_with_the_child_first(place: &dyn Place) -> Checked {
    let rows: Vec<Vec<Value>> = (0..20_000)
        .map(|n| {
            let v = if n % 7 == 0 { Value::Null } else { Value::text("x".repeat(100)) };
            vec![Value::text((n % 3).to_string()), v]
        })
        .collect();
    place.create(&children()).await?;
    place.insert(&children(), &rows).await?;
    let mut session = opened(place, &[&children()]).await?;
    session.select(&strings(&["0", "1", "2"])).await?;
    let wanted = scan(place, "child", &["v", "id"], &[], "id");
    let batches = read_all(session.scan(&wanted).await?.as_mut()).await?;
    holds("some batches", !batches.is_empty())?;
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    same("the columns", names, ["child", "v", "id"])?;
    let child = schema.field(0);
    same("the child's type", child.data_type(), &arrow_schema::DataType::Int32)?;
    for batch in &batches {
        holds("every batch has the schema of the first", batch.schema() == schema)?;
        same("batches without rows", batch.num_rows() == 0, false)?;
        same("children without a number", batch.column(0).null_count(), 0)?;
    }
    Ok(())
}

/// More rows than a batch holds.
pub async fn many_rows_all_come_and_their_number_is_attested(place: &dyn Place) -> Checked {
    let row = |n: usize| vec![Value::text((n % 10).to_string()), Value::text(format!("{n:0200}"))];
    let rows: Vec<Vec<Value>> = (0..20_000).map(row).collect();
    place.create(&children()).await?;
    place.insert(&children(), &rows).await?;
    let mut session = opened(place, &[&children()]).await?;
    session.select(&strings(&["3", "4"])).await?;
    // `read_each`, by which all reading here goes, compares the attested number with the rows.
    let list = listed(session.as_mut(), place, "child", &["v"]).await?.lines();
    same("rows listed", list.len(), 20_000)?;
    holds("each of them once", list.windows(2).all(|pair| pair[0] != pair[1]))?;
    same("rows scanned", scanned(session.as_mut(), &scan(place, "child", &["v"], &[], "id")).await?.len(), 4_000)
}
