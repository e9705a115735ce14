//! A CMS profile (`config/cms/*.toml`): how one vendor's SSD differs from the standard one in names and spellings.
//! It adds no rule about who or what is sent (design, section 4).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::payload::definition::ColumnType;

/// A CMS profile.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `systemc`, `mosaic`, `eclipse`, `azeus`, or an LA's own.
    pub name: String,
    /// The adapter that `[source]` uses unless it names another.
    pub adapter: String,
    /// The schema of the SSD tables unless `[source]` names another; empty for unqualified names.
    #[serde(default)]
    pub schema: String,
    /// Paths of ids that the CMS makes anew on each refresh (design, decision 12), such as `social_care_episodes[].social_care_episode_id`.
    #[serde(default)]
    pub unstable_ids: Vec<String>,
    /// What differs, by SSD table name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableNames>,
    /// Other spellings by table and column: what the CMS writes (matched trimmed, in any case) and what it stands for.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    /// What an analyst should know about this CMS's data.
    #[serde(default)]
    pub notes: Vec<Note>,
}

/// How one table is called.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableNames {
    /// Its name, where it is another.
    pub table: Option<String>,
    /// Its schema, where it is not the profile's.
    pub schema: Option<String>,
    /// Columns of other names: SSD name to the database's.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The CMS has no such table: it counts as empty.
    #[serde(default)]
    pub missing: bool,
    /// Columns the CMS does not have: they count as null.
    #[serde(default)]
    pub missing_columns: Vec<String>,
    /// Columns of another type than the definition says; used by `generate` and `check`.
    #[serde(default)]
    pub types: BTreeMap<String, ColumnType>,
}

/// Something an analyst should know about a CMS's data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// A short name, such as `mosaic.workers`.
    pub rule: String,
    /// What is so, and what it means for the document.
    pub text: String,
    /// The attributes it touches.
    #[serde(default)]
    pub attributes: Vec<u32>,
}
