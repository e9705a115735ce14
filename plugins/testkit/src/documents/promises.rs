//! What a source of documents promises.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::payload::column::Column;
use csc_bridge_core::source::{DocumentSession, RowStream, read_all};
use serde_json::Value;

use super::Archive;
use crate::failure::{Checked, Failure, holds, same};
use crate::source::types::AWKWARD;

/// No error may hold this.
const SECRET: &str = "Zaphod-Beeblebrox";

/// Ids that somebody might take for each other, in their order.
const IDS: [&str; 6] = ["007", "10", "7", "A-1", "a-1", "b_2"];

async fn opened(archive: &dyn Archive) -> Checked<Box<dyn DocumentSession>> {
    let source = archive.source()?;
    let documents = source.documents().ok_or_else(|| Failure::broken("a source of documents", "one of tables"))?;
    Ok(documents.open().await?)
}

/// Reads a stream to its attested end.
async fn texts(stream: Result<Box<dyn RowStream + '_>>, column: usize) -> Result<Vec<Vec<Option<String>>>> {
    let batches = read_all(&mut *stream?).await?;
    let row = |batch: &RecordBatch, row: usize| -> Result<Vec<Option<String>>> {
        let columns = batch.columns()[..column].iter();
        columns.map(|column| Ok(Column::text(column, "a column")?.raw(row).map(str::to_owned))).collect()
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

async fn ids(session: &mut dyn DocumentSession) -> Checked<Vec<String>> {
    let rows = texts(session.ids().await, 1).await?;
    rows.into_iter().map(|mut row| row.remove(0).ok_or_else(|| Failure::broken("an id", "null"))).collect()
}

async fn documents(session: &mut dyn DocumentSession, children: &[String]) -> Result<Vec<(String, Option<String>)>> {
    let rows = texts(session.documents(children).await, 2).await?;
    let pair = |mut row: Vec<Option<String>>| (row[0].take().unwrap_or_else(|| "null".to_owned()), row[1].take());
    let mut documents: Vec<_> = rows.into_iter().map(pair).collect();
    documents.sort();
    Ok(documents)
}

/// The document of each child, which must have one row each.
async fn by_child(session: &mut dyn DocumentSession, children: &[String]) -> Checked<BTreeMap<String, Option<Value>>> {
    let read = documents(session, children).await?;
    let mut asked = children.to_vec();
    asked.sort();
    same("the children of the rows", read.iter().map(|(child, _)| child.clone()).collect::<Vec<_>>(), asked)?;
    let parsed = |text: &String| serde_json::from_str(text).map_err(|error| Failure::broken("JSON", error));
    let value = |(child, text): (String, Option<String>)| Ok((child, text.as_ref().map(parsed).transpose()?));
    read.into_iter().map(value).collect()
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// Or nobody would ask it for them.
pub async fn it_says_that_it_has_documents(archive: &dyn Archive) -> Checked {
    archive.put("A1", "x").await?;
    opened(archive).await.map(drop)
}

/// Not trimmed, folded, or read as numbers. A child who is forgotten is listed no more.
pub async fn ids_come_once_each_and_exactly_as_they_are(archive: &dyn Archive) -> Checked {
    for id in IDS.iter().chain(&["gone"]) {
        archive.put(id, "x").await?;
    }
    archive.forget("gone").await?;
    let mut found = ids(&mut *opened(archive).await?).await?;
    found.sort();
    same("the ids", found, owned(&IDS))
}

/// Whoever else there is, and in whatever order they are asked for; and again in the same session.
pub async fn each_child_asked_for_has_its_own_document_and_no_other_child_has(archive: &dyn Archive) -> Checked {
    for id in ["A1", "B2", "C3", "D4", "E5"] {
        archive.put(id, &format!("of {id}")).await?;
    }
    let mut session = opened(archive).await?;
    ids(&mut *session).await?;
    for asked in [&["E5", "A1", "C3"][..], &["B2"], &["C3", "B2"]] {
        for (child, document) in by_child(&mut *session, &owned(asked)).await? {
            let expected = archive.document(&child, &format!("of {child}"));
            same("a document", document, Some(expected))?;
        }
    }
    Ok(())
}

/// An empty list is not every child.
pub async fn nobody_asked_for_is_nobody_delivered(archive: &dyn Archive) -> Checked {
    archive.put("A1", "x").await?;
    let mut session = opened(archive).await?;
    ids(&mut *session).await?;
    same("rows", documents(&mut *session, &[]).await?.len(), 0)
}

/// All of core's awkward texts; nothing is lost, added or normalised.
pub async fn documents_arrive_with_the_same_meaning(archive: &dyn Archive) -> Checked {
    let children: Vec<String> = (0..AWKWARD.len()).map(|at| format!("C{at:02}")).collect();
    for (child, text) in children.iter().zip(AWKWARD) {
        archive.put(child, text).await?;
    }
    let mut session = opened(archive).await?;
    ids(&mut *session).await?;
    let mut found = by_child(&mut *session, &children).await?;
    for (child, text) in children.iter().zip(AWKWARD) {
        same("a document", found.remove(child).flatten(), Some(archive.document(child, text)))?;
    }
    Ok(())
}

/// More than fit into a batch.
pub async fn a_thousand_documents_all_come(archive: &dyn Archive) -> Checked {
    let children: Vec<String> = (0..1000).map(|at| format!("C{at:04}")).collect();
    for child in &children {
        archive.put(child, "x").await?;
    }
    let mut session = opened(archive).await?;
    same("ids", ids(&mut *session).await?.len(), children.len())?;
    let found = by_child(&mut *session, &children).await?;
    same("documents", found.values().flatten().count(), children.len())
}

/// The child is listed: it is not gone.
pub async fn a_document_that_cannot_be_had_is_null_and_all_others_come(archive: &dyn Archive) -> Checked {
    for id in ["A1", "B2", "C3"] {
        archive.put(id, "x").await?;
    }
    archive.withhold("B2").await?;
    let mut session = opened(archive).await?;
    let mut children = ids(&mut *session).await?;
    children.sort();
    same("the ids", children.clone(), owned(&["A1", "B2", "C3"]))?;
    let found = by_child(&mut *session, &children).await?;
    let there: Vec<bool> = found.values().map(Option::is_some).collect();
    same("documents that are there", there, vec![true, false, true])
}

/// With a kind that is no fault of the program, and advice.
pub async fn a_read_that_is_cut_off_is_never_complete_and_quotes_nothing(archive: &dyn Archive) -> Checked {
    let children: Vec<String> = (0..40).map(|at| format!("{SECRET}-{at:02}")).collect();
    for child in &children {
        archive.put(child, SECRET).await?;
    }
    let mut session = opened(archive).await?;
    ids(&mut *session).await?;
    archive.break_after(7).await?;
    let error = match documents(&mut *session, &children).await {
        Err(error) => error,
        Ok(read) => return Err(Failure::broken("an error", format!("{} documents and a good end", read.len()))),
    };
    holds("a kind that is no fault of the program", error.kind() != Kind::Internal)?;
    holds("advice", !error.advice().trim().is_empty())?;
    holds("an error that names no child and quotes no document", !format!("{error:?}").contains(SECRET))
}

/// Nothing is kept of a read that has ended.
pub async fn the_next_read_sees_what_changed(archive: &dyn Archive) -> Checked {
    let children = owned(&["A1", "B2"]);
    for text in ["before", "after"] {
        for child in &children {
            archive.put(child, text).await?;
        }
        let mut session = opened(archive).await?;
        ids(&mut *session).await?;
        for (child, document) in by_child(&mut *session, &children).await? {
            same("a document", document, Some(archive.document(&child, text)))?;
        }
    }
    Ok(())
}
