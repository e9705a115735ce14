//! The end of a sequence: nothing happens any more, and the program has its way.

use std::collections::{BTreeMap, BTreeSet};

use csc_bridge_core::config::{Deletion, Semantics};
use serde_json::{Map, Value};

use super::database::Cell;
use super::documents::Asked;
use super::office::Row;
use super::sequence::{DOUBLED, Sequence};
use crate::program::STAGING;

/// Nights until everything must have been sent: one marks who went, one stages their purge once the grace is over, and one more
/// finds out what the last night's purge brought.
const NIGHTS: usize = 6;

/// Lets the program have its way until a night comes that writes nothing and sends nothing, and looks at what became of everything.
pub async fn drained(sequence: &mut Sequence) -> Result<(), String> {
    sequence.tell("drain");
    sequence.age_intents().await?;
    if sequence.office.has_staging() {
        let unmark =
            format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE lower(submission_status) = 'testing'");
        let marked = format!("SELECT person_id FROM {STAGING} WHERE lower(submission_status) = 'testing'");
        sequence.excused.extend(sequence.office.column::<String>(&marked));
        sequence.office.execute(&unmark, &[]);
    }
    for night in 1.. {
        let before = night_passes(sequence).await?;
        let rows = sequence.office.rows();
        let is_waiting = |row: &Row| ["pending", "error"].contains(&row.status.as_str());
        if !rows.values().any(is_waiting) && before == sequence.office.everything() {
            break;
        }
        if night > NIGHTS {
            let waiting: Vec<&String> =
                rows.iter().filter(|(_, row)| is_waiting(row)).map(|(child, _)| child).collect();
            return Err(format!("still not at rest after {NIGHTS} nights; to be sent: {waiting:?}"));
        }
    }
    is_right(sequence).await
}

/// A night, and the grace of whoever is out. Returns the tables as they were before.
async fn night_passes(sequence: &mut Sequence) -> Result<Vec<Vec<Cell>>, String> {
    sequence.age_rows();
    let before = if sequence.office.has_staging() { sequence.office.everything() } else { Vec::new() };
    sequence.stage().await?;
    super::always::holds(sequence)?;
    sequence.submit(false).await?;
    super::always::holds(sequence)?;
    Ok(before)
}

/// DfE holds what the SSD says, and the rows say so.
async fn is_right(sequence: &Sequence) -> Result<(), String> {
    let office = &sequence.office;
    if !office.waiting().is_empty() {
        return Err(format!("requests are open for {:?}", office.waiting()));
    }
    let desired = office.desired(&sequence.terms).await?;
    let (rows, held) = (office.rows(), office.dfe.children());
    let doubled: BTreeSet<String> = office.column(DOUBLED).into_iter().collect();
    let there: BTreeSet<String> = office.column("SELECT pers_person_id FROM ssd_person").into_iter().collect();
    for (child, document) in &desired {
        let row = rows.get(child).ok_or_else(|| format!("{child} is in the cohort and has no row"))?;
        in_cohort(sequence, child, document, row, &held).map_err(|wrong| format!("{child}: {wrong}"))?;
    }
    for (child, row) in rows.iter().filter(|(child, _)| !desired.contains_key(*child) && !doubled.contains(*child)) {
        let (state, deletion) = match there.contains(child) {
            true => ("left", sequence.terms.deletions.left),
            false => ("deleted", sequence.terms.deletions.gone),
        };
        if row.state != state {
            return Err(format!("{child} is {}, and should be {state}", row.state));
        }
        if deletion == Deletion::Purge && (held.contains_key(child) || row.held_hash.is_some()) {
            return Err(format!("{child} was not purged"));
        }
    }
    Ok(())
}

fn in_cohort(
    sequence: &Sequence,
    child: &str,
    desired: &Value,
    row: &Row,
    held: &BTreeMap<String, Value>,
) -> Result<(), String> {
    let held = held.get(child).ok_or("it is in the cohort, and DfE does not hold it")?;
    if row.is_out() || row.is_unsure() || row.held_hash != row.current_hash || row.current.as_ref() != Some(desired) {
        return Err(format!("its row is not at rest: {row:?}"));
    }
    let mut wrong = Vec::new();
    match (sequence.terms.semantics, normalised(desired), held) {
        (Semantics::Replace, ..) if held == desired => {}
        (Semantics::Merge, Value::Object(desired), Value::Object(held)) => {
            let asked = Asked { office: &sequence.office, child };
            asked.differences(Some(&desired), held, "", "", &mut wrong);
        }
        _ => wrong.push("DfE holds something else".to_owned()),
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n  desired {desired}\n  held    {held}", wrong.join("; "))),
    }
}

/// Without empty lists, which say nothing where DfE merges; but without factors is a value.
fn normalised(document: &Value) -> Value {
    match document {
        Value::Object(object) => {
            let there = object
                .iter()
                .filter(|(key, value)| *key == "factors" || value.as_array().is_none_or(|list| !list.is_empty()));
            Value::Object(there.map(|(key, value)| (key.clone(), normalised(value))).collect::<Map<String, Value>>())
        }
        Value::Array(list) => Value::Array(list.iter().map(normalised).collect()),
        value => value.clone(),
    }
}
