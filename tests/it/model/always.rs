//! What must hold after every step, whatever happened.

use csc_bridge_core::config::{Deletion, Semantics};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::documents::{Asked, disbelieved};
use super::office::Row;
use super::sequence::Sequence;

/// What a row says of DfE is so, unless a request of the child has no answer yet: DfE holds nothing, or the very document. Where DfE
/// merges it holds no record that the row does not know, even where it is not sure which document arrived. A row that is not to be sent
/// says why.
pub fn holds(sequence: &Sequence) -> Result<(), String> {
    // In this order: the last statement of a process that died may come to its end just now, which closes a request and changes its row.
    let waiting = sequence.office.waiting();
    let (rows, held) = (sequence.office.rows(), sequence.office.dfe.children());
    let merges = sequence.terms.semantics == Semantics::Merge;
    for (child, row) in rows.iter().filter(|(child, _)| !waiting.contains(*child)) {
        is_right(row, held.get(child), merges).map_err(|wrong| format!("{child}: {wrong}"))?;
    }
    for (child, row) in rows.iter().filter(|(_, row)| !row.is_out()) {
        let says_nothing_is_to_be_sent = row.status == "sent" && !sequence.edited.contains(child);
        if says_nothing_is_to_be_sent && (row.is_unsure() || row.held_hash != row.current_hash) {
            return Err(format!("{child} is as if it were sent, and DfE does not hold what is desired: {row:?}"));
        }
        if sequence.wanted.contains(child) && row.status == "sent" {
            return Err(format!("somebody wanted {child} sent again, and it is no longer to be sent: {row:?}"));
        }
    }
    match held.keys().find(|child| !rows.contains_key(*child)) {
        Some(child) => Err(format!("DfE holds {child}, who has no row")),
        None => Ok(()),
    }
}

fn is_right(row: &Row, held: Option<&Value>, merges: bool) -> Result<(), String> {
    let Some(_) = row.held_hash else {
        return if held.is_none() { Ok(()) } else { Err(format!("its row says that DfE holds nothing: {held:?}")) };
    };
    let wrong = match (&row.held, merges) {
        _ if row.is_unsure() && !merges => Vec::new(),
        (None, _) => vec!["its row does not say what DfE holds".to_owned()],
        // The hash is that of the very document, in canonical form.
        (Some(believed), false) if Some(&Sha256::digest(believed.to_string())[..]) != row.held_hash.as_deref() => {
            vec!["previous_hash is not the hash of previous_json_payload".to_owned()]
        }
        (Some(believed), false) if held == Some(believed) => Vec::new(),
        (Some(_), false) => vec!["its row says that DfE holds something else".to_owned()],
        (Some(believed), true) => {
            let mut wrong = Vec::new();
            let believed = believed.as_object().ok_or("previous_json_payload is no object")?;
            disbelieved(believed, held.and_then(Value::as_object), "", &mut wrong);
            wrong
        }
    };
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n  believed {:?}\n  held     {held:?}", wrong.join("; "), row.held)),
    }
}

/// What is prepared purges nothing that the SSD has, and nobody whom the configuration keeps. Right after a stage.
pub fn purges_are_right(sequence: &Sequence) -> Result<(), String> {
    for (child, row) in sequence.office.rows() {
        let Some(Value::Object(sent)) = &row.outgoing else { continue };
        let deletions = sequence.terms.deletions;
        let may_purge = match row.state.as_str() {
            "deleted" => deletions.gone == Deletion::Purge,
            "left" => deletions.left == Deletion::Purge,
            _ => false,
        };
        if sent.get("purge") == Some(&Value::Bool(true)) && !may_purge {
            return Err(format!("the purge of {child} is staged, who is {}", row.state));
        }
        let mut wrong = Vec::new();
        Asked { office: &sequence.office, child: &child }.wrong_purges(sent, "", &child, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
    }
    Ok(())
}
