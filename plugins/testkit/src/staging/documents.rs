//! Documents come back as they were written, or with the same meaning where the product has a JSON type.

use csc_bridge_core::staging::{Choice, Write};

use super::steps::*;
use crate::Place;
use crate::failure::{Checked, holds, same};
use crate::source::types::AWKWARD;

/// A document in all three columns, read back by everything that reads documents.
async fn comes_back(place: &dyn Place, document: &str) -> Checked {
    let staging = ready(place).await?;
    let mut write = Write { outgoing: Some(document.to_owned()), ..new_child("1", 1) };
    if let Some(new) = &mut write.document {
        new.json = document.to_owned();
    }
    same("rows written", apply(staging.as_ref(), vec![write]).await?.written, 1)?;
    let read = staging.documents(&strings(&["1"])).await?;
    same("documents", read.len(), 1)?;
    same_json("the document", read[0].current.as_deref(), document)?;
    same_json("what is prepared", read[0].outgoing.as_deref(), document)?;
    let mut claim = staging.claim(&strings(&["1"]), Choice::Prepared).await?;
    same("rows claimed", claim.rows().len(), 1)?;
    same_json("the claimed document", Some(&claim.rows()[0].document), document)?;
    same_json("the claimed outgoing", claim.rows()[0].outgoing.as_deref(), document)?;
    holds("a claim that still holds", claim.still_held().await?)?;
    let mut outcome = accepted("1", "a", 1);
    if let csc_bridge_core::staging::SendResult::Accepted { document: held, .. } = &mut outcome.result {
        *held = document.to_owned();
    }
    claim.record(vec![outcome]).await?;
    same_json("what is held", staging.documents(&strings(&["1"])).await?[0].held.as_deref(), document)
}

/// All awkward texts, as keys and as values, and keys in an order of their own.
pub async fn awkward_documents_come_back_with_the_same_meaning(place: &dyn Place) -> Checked {
    let texts = serde_json::json!(AWKWARD);
    let keys: serde_json::Map<String, serde_json::Value> =
        AWKWARD.iter().enumerate().map(|(at, text)| ((*text).to_owned(), at.into())).collect();
    let document = serde_json::json!({
        "z": texts, "a": keys, "m": { "b": [], "a": {}, "": null },
        "numbers": [0, -1, 1.5, 9007199254740991i64, 1e-7], "flags": [true, false],
    });
    comes_back(place, &document.to_string()).await
}

/// With characters of four bytes, quotes and line breaks.
pub async fn a_document_of_a_megabyte_comes_back_whole(place: &dyn Place) -> Checked {
    let document = serde_json::json!({ "note": "😀 \"é\"\n".repeat(100_000) }).to_string();
    comes_back(place, &document).await
}

/// Wanted, held and prepared.
pub async fn the_three_documents_of_a_row_are_told_apart(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2"]).await?;
    take(staging, &["1"]).await?.record(vec![accepted("1", "a", 1)]).await?;
    let sent = row(staging, "1").await?;
    apply(staging, vec![Write { outgoing: Some(json(3)), ..changed(&sent, 2) }]).await?;
    let mut read = staging.documents(&strings(&["2", "nobody", "1"])).await?;
    read.sort_by(|a, b| a.person_id.cmp(&b.person_id));
    same("children with documents", read.iter().map(|d| d.person_id.as_str()).collect::<Vec<_>>(), ["1", "2"])?;
    same_json("what is wanted", read[0].current.as_deref(), &json(2))?;
    same_json("what is held", read[0].held.as_deref(), &json(1))?;
    same_json("what is prepared", read[0].outgoing.as_deref(), &json(3))?;
    same("what is held of a new child", read[1].held.as_deref(), None)?;
    same("what is prepared for it", read[1].outgoing.as_deref(), None)?;
    let claim = take(staging, &["1"]).await?;
    let claimed = &claim.rows()[0];
    same_json("what is claimed", Some(&claimed.document), &json(2))?;
    same_json("what is held by the claim's account", claimed.held_document.as_deref(), &json(1))?;
    same_json("what is prepared by the claim's account", claimed.outgoing.as_deref(), &json(3))?;
    same("the hash that is held", claimed.held, csc_bridge_core::staging::Held::Document(hash(1)))?;
    same("the hash that is wanted", claimed.current_hash, Some(hash(2)))
}
