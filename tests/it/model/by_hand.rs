//! What somebody writes into `submission_status` by hand, and what that asks for.

use std::collections::BTreeMap;

use super::office::Row;
use super::sequence::Sequence;
use crate::program::STAGING;

/// Words that somebody writes.
const WORDS: [&str; 10] =
    ["pending", "Pending", "PENDING", "sent", "Sent", "error", "ERROR", "testing", "Testing", "withdrawn"];

impl Sequence {
    /// Somebody writes a word into a row.
    pub fn edit_status(&mut self) -> &'static str {
        let child = self.ssd.lock().expect("the SSD").any(&mut self.rng).to_owned();
        // One more than there are words: null.
        let word = WORDS.get(self.rng.usize(..WORDS.len() + 1)).copied();
        self.write_status(&[child], word);
        "a status by hand"
    }

    /// Somebody has everything, or one child, sent again.
    pub fn resubmit(&mut self) -> &'static str {
        let child = self.ssd.lock().expect("the SSD").any(&mut self.rng).to_owned();
        let all: Vec<String> = self.office.rows().into_keys().collect();
        let children = if self.rng.bool() { all } else { vec![child] };
        self.write_status(&children, Some("pending"));
        "resubmit"
    }

    fn write_status(&mut self, children: &[String], word: Option<&str>) {
        let rows = self.office.rows();
        for child in children {
            let update = format!("UPDATE {STAGING} SET submission_status = ? WHERE person_id = ?");
            self.office.execute(&update, &[word.into(), child.into()]);
            let is_at_rest = |row: &Row| !row.is_out() && row.held_hash.is_some() && row.held_hash == row.current_hash;
            match word.is_none_or(|word| word.eq_ignore_ascii_case("pending"))
                && rows.get(child).is_some_and(is_at_rest)
            {
                true => self.wanted.insert(child.clone()),
                false => self.wanted.remove(child),
            };
            self.excused.insert(child.clone());
            self.edited.insert(child.clone());
        }
        self.tell(&format!("  {} by hand: {word:?}", children.join(" ")));
    }
}

/// Children who are not sent, whatever somebody wants: who has left the cohort, or cannot be told apart from another.
pub fn left(rows: &BTreeMap<String, Row>) -> Vec<String> {
    let is_out = |row: &Row| row.is_out() || row.status == "withdrawn";
    rows.iter().filter(|(_, row)| is_out(row)).map(|(child, _)| child.clone()).collect()
}
