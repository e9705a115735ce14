//! What a sink promises.

use std::collections::HashSet;

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{Record, Then};

use super::End;
use crate::failure::{Checked, Failure, holds, same};
use crate::source::types::AWKWARD;

/// No error may hold this.
const SECRET: &str = "Zaphod-Beeblebrox";

fn documents(end: &dyn End, texts: &[&str]) -> Vec<(String, String)> {
    let document = |(at, text): (usize, &&str)| {
        // Their order as texts is their order.
        let child = format!("C{at:04}");
        let document = end.document(&child, text);
        (child, document)
    };
    texts.iter().enumerate().map(document).collect()
}

fn records(documents: &[(String, String)]) -> Vec<Record<'_>> {
    documents.iter().map(|(person_id, document)| Record { person_id, document }).collect()
}

fn meaning(documents: impl IntoIterator<Item = impl AsRef<str>>) -> Checked<Vec<serde_json::Value>> {
    let parse = |text: &str| serde_json::from_str(text).map_err(|error| Failure::broken("a document of JSON", error));
    documents.into_iter().map(|text| parse(text.as_ref())).collect()
}

async fn sent(end: &dyn End, documents: &[(String, String)]) -> Checked<Vec<csc_bridge_core::sink::Receipt>> {
    end.sink()?.send(&records(documents)).await.map_err(|error| Failure::broken("receipts", format!("{error:?}")))
}

/// Or nothing could ever be sent; the pipeline goes by them.
pub async fn the_limits_leave_room_for_a_record(end: &dyn End) -> Checked {
    let limits = end.sink()?.limits();
    holds("at least one record", limits.max_records >= 1)?;
    holds("at least one byte", limits.max_bytes >= 1)?;
    holds("some time for a request", !limits.request_life.is_zero())?;
    same("the limits of another such sink", end.sink()?.limits(), limits)
}

/// As many as records, and no two alike: an officer finds a record by it.
pub async fn each_record_has_a_receipt_of_its_own(end: &dyn End) -> Checked {
    let documents = documents(end, &["a", "b", "c"]);
    let mut ids = HashSet::new();
    for part in [&documents[..2], &documents[2..]] {
        let receipts = sent(end, part).await?;
        same("receipts", receipts.len(), part.len())?;
        for receipt in receipts {
            holds("an id that says something", !receipt.id.trim().is_empty())?;
            if let Some(time) = &receipt.received_at {
                let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                same("the form of its time", form.as_str(), "0000-00-00 00:00:00.000")?;
            }
            ids.insert(receipt.id);
        }
    }
    same("different receipts", ids.len(), 3)
}

/// All of core's awkward texts; nothing is lost, added, normalised or sent twice.
pub async fn documents_arrive_once_in_order_and_with_the_same_meaning(end: &dyn End) -> Checked {
    let documents = documents(end, AWKWARD);
    let most = end.sink()?.limits().max_records;
    for part in documents.chunks(most) {
        sent(end, part).await?;
    }
    let expected = meaning(documents.iter().map(|(_, document)| document))?;
    let arrived = meaning(end.arrived().await?)?;
    same("documents that arrived", arrived.len(), expected.len())?;
    for (arrived, expected) in arrived.iter().zip(&expected) {
        same("a document", arrived, expected)?;
    }
    Ok(())
}

/// As the pipeline sends them.
pub async fn a_batch_of_as_many_records_as_may_be_arrives(end: &dyn End) -> Checked {
    let count = end.sink()?.limits().max_records.min(1000);
    let texts = vec!["x"; count];
    let documents = documents(end, &texts);
    same("receipts", sent(end, &documents).await?.len(), count)?;
    same("documents that arrived", end.arrived().await?.len(), count)
}

/// It is the other end that decides.
pub async fn a_record_that_is_too_large_is_sent_alone_or_said_to_be(end: &dyn End) -> Checked {
    let most = end.sink()?.limits().max_bytes;
    if most > 50_000_000 {
        return Err(Failure::not_applicable("its limit is too large for a test"));
    }
    let text = "x".repeat(most + 1);
    let documents = documents(end, &[&text]);
    match end.sink()?.send(&records(&documents)).await {
        Ok(receipts) => {
            same("receipts", receipts.len(), 1)?;
            same("documents that arrived", meaning(end.arrived().await?)? == meaning([&documents[0].1])?, true)
        }
        Err(error) => {
            holds("a refusal", matches!(error.then, Then::TooLarge | Then::BadRecords(_)))?;
            same("documents that arrived", end.arrived().await?.len(), 0)
        }
    }
}

/// At most 200 printable characters, without a child's data.
pub async fn the_id_of_a_request_may_be_logged(end: &dyn End) -> Checked {
    let documents = documents(end, &[SECRET]);
    let sent = end.sink()?.send_with_request_id(&records(&documents)).await;
    let receipts = sent.result.map_err(|error| Failure::broken("a receipt", format!("{error:?}")))?;
    same("receipts", receipts.len(), 1)?;
    let id = sent.request_id.unwrap_or_default();
    holds("at most 200 characters", id.len() <= 200)?;
    holds("printable characters", id.bytes().all(|byte| (b' '..=b'~').contains(&byte)))?;
    holds("no child's data", !id.contains(SECRET))
}

/// With a kind and advice; and if it says that nothing was taken, nothing was.
pub async fn a_batch_that_cannot_be_sent_says_what_may_be_done_and_quotes_nothing(end: &dyn End) -> Checked {
    let sink = end.sink()?;
    let documents = documents(end, &[SECRET, SECRET]);
    end.take_away().await?;
    let Err(error) = sink.send(&records(&documents)).await else {
        return Err(Failure::broken("an error", "receipts of an end that is not there"));
    };
    holds("a kind that is no fault of the program", error.error.kind() != Kind::Internal)?;
    holds("advice", !error.error.advice().trim().is_empty())?;
    let said = format!("{error:?} {} {}", error.error.message(), error.error.advice());
    holds("an error that quotes no document", !said.contains(SECRET))?;
    holds("an error that names no child", !said.contains("C0000"))?;
    if !matches!(error.then, Then::Unknown | Then::RetryUnsure { .. }) {
        same("documents that arrived", end.arrived().await?.len(), 0)?;
    }
    Ok(())
}

/// Or it says that some record is bad, and not which.
pub async fn a_refused_record_is_named_and_nothing_of_its_batch_was_taken(end: &dyn End) -> Checked {
    let documents = documents(end, &["good", SECRET, "good"]);
    end.refuse("C0001").await?;
    let Err(error) = end.sink()?.send(&records(&documents)).await else {
        return Err(Failure::broken("a refusal", "receipts"));
    };
    match &error.then {
        Then::BadRecords(at) if at.is_empty() || *at == [1] => {}
        other => return Err(Failure::broken("record 1 refused", format!("{other:?}"))),
    }
    holds("an error that quotes no document", !format!("{error:?}").contains(SECRET))?;
    same("documents that arrived", end.arrived().await?.len(), 0)
}
