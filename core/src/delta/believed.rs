//! What DfE is believed to hold, as the text of `previous_json_payload`.

use super::outgoing::Rules;
use crate::error::{Error, Result};
use crate::payload::canonical::Json;
use crate::payload::plan::{BlockPlan, Member};

impl Rules<'_> {
    /// After it accepted `sent`, which is no purge of the child. A text that is no JSON is nothing.
    ///
    /// # Errors
    /// [`crate::error::Kind::Data`] where `sent` is no JSON.
    pub fn after_acceptance(&self, held: Option<&str>, sent: &str) -> Result<String> {
        let held = held.and_then(|held| Json::parse(held).ok());
        let sent = Json::parse(sent)?;
        let now = self.apply(held.as_ref(), &sent).ok_or_else(|| Error::internal("a purge is no document"))?;
        let mut bytes = Vec::new();
        now.write(&[], &mut bytes);
        String::from_utf8(bytes).map_err(|_| Error::internal("a document is not UTF-8"))
    }

    /// After a request whose answer never came, and which mentioned the records of `mentioned`: see [`Rules::may_hold`].
    ///
    /// # Errors
    /// [`crate::error::Kind::Data`] where `mentioned` is no JSON.
    pub fn after_no_answer(&self, held: Option<&str>, mentioned: &str) -> Result<String> {
        let held = held.and_then(|held| Json::parse(held).ok());
        Ok(self.may_hold(held.as_ref(), &Json::parse(mentioned)?))
    }

    /// Whether a document that is sent to a merging DfE is a full one: every value and list of the child, and of the objects that
    /// show it, is named. A partial one leaves out what did not change.
    pub fn is_full(&self, sent: &Json<'_>) -> bool {
        names_all(self.root, sent)
    }
}

fn names_all(block: &BlockPlan, sent: &Json<'_>) -> bool {
    block.members.iter().all(|member| match *member {
        Member::Field(index) => sent.get(&block.fields[index].key).is_some(),
        Member::Block(index) if block.blocks[index].list => sent.get(&block.blocks[index].key).is_some(),
        // An object that has retired is not named, even in a full document.
        Member::Block(index) => sent.get(&block.blocks[index].key).is_none_or(|inner| {
            matches!(inner, Json::Null)
                || inner.get("purge") == Some(&Json::Bool(true))
                || names_all(&block.blocks[index], inner)
        }),
        Member::Purge => true,
    })
}
