//! The payload definition as written in `config/payload/*.toml`: what the document is, in a small fixed vocabulary.
//!
//! This module only reads and checks the text. [`super::plan`] resolves names against a CMS profile and dates against a run.
//! Column references are `column` (of the block's own table) or `lookup.column`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A payload definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name, such as `dfe-csc-0.9`.
    pub name: String,
    /// Texts that mean "no value" in any column, compared after trimming (payload fact sheet, section 6: `SSD_PH`, `SSD_SUI`, `-1`).
    pub no_value: Vec<String>,
    /// Dates that mean "no date" (`1900-01-01`), as `YYYY-MM-DD`.
    pub no_date: Vec<String>,
    /// The rolling window.
    pub window: WindowRule,
    /// Code sets by name.
    pub codes: BTreeMap<String, CodeSet>,
    /// The SSD tables by their SSD name.
    pub tables: BTreeMap<String, TableDef>,
    /// Who is sent.
    pub cohort: Cohort,
    /// What is sent: the root object (`path = ""`) and every object and list in it, parents before their children.
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
}

/// The rolling window (cohort fact sheet, 1): from 1 April of the year that holds the day `months_back` months before the run
/// date (of the year before in January to March) to `days_ahead` days after the run date, both ends included.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// Calendar months back from the run date.
    pub months_back: i32,
    /// Days ahead of the run date.
    pub days_ahead: i32,
}

/// A set of codes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSet {
    /// The codes DfE accepts, upper-case, each with a short label for people.
    pub codes: BTreeMap<String, String>,
    /// Other spellings, upper-case, and the code each stands for.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
}

/// An SSD table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDef {
    /// Its columns that the definition reads.
    pub columns: BTreeMap<String, ColumnType>,
    /// The ways a row reaches its child, each a path: `["cina_referral_id = ssd_cin_episodes.cine_referral_id", "cine_person_id"]`.
    /// A row counts for a child if any of the paths reaches it, and counts once.
    pub child: Vec<Vec<String>>,
}

/// What a column holds in the SSD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// A record id: compared and sent as trimmed text even where the database has an integer.
    Id,
    /// Text.
    Text,
    /// A date; a time of day is dropped on reading.
    Date,
    /// A whole number.
    Integer,
    /// JSON in a text column.
    Json,
}

/// Who is sent: children of the right age that at least one of `include` admits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// The table of people.
    pub table: String,
    /// Its id column.
    pub id: String,
    /// Its birth date column.
    pub birth: String,
    /// Its expected birth date column.
    pub expected: String,
    /// A child counts while it is younger than this at some time in the window, in years.
    pub under_age: i32,
    /// An unborn child counts when it is due within this many months of the run date.
    pub due_within_months: i32,
    /// The sets that admit a child.
    pub include: Vec<Include>,
}

/// One set that admits a child: it has a row in `table` for which all of `rows` hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// For people.
    pub name: String,
    /// The table.
    pub table: String,
    /// The rules.
    pub rows: Vec<RowRule>,
}

/// One object or list of the document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Where it stands: `""` the root, `child_details` an object, `social_care_episodes[].child_in_need_plans[]` a list in a list.
    pub path: String,
    /// Whose rows it shows. None for an object that only holds other blocks, and for one that shows its parent's own row.
    pub table: Option<String>,
    /// `column = parent_column`: the rows that belong to the parent's row. None: all rows of the child.
    pub link: Option<String>,
    /// A named rule that chooses the rows and brings lookups of its own, where `link` cannot say it.
    pub function: Option<RowFunction>,
    /// Rows of other tables whose columns the block uses.
    #[serde(default)]
    pub lookups: Vec<Lookup>,
    /// Which rows count: all must hold.
    #[serde(default)]
    pub rows: Vec<RowRule>,
    /// For a list: the order, by date columns, `-` before a column for descending. Nulls come last either way.
    #[serde(default)]
    pub order: Vec<String>,
    /// For an object: the one row shown is that with the latest of the first of these columns that is not null.
    #[serde(default)]
    pub latest: Vec<String>,
    /// Whether the object or each member carries `"purge": false`.
    #[serde(default)]
    pub purge: bool,
    /// Leave the object out when nothing but `purge` would stand in it.
    #[serde(default)]
    pub drop_empty: bool,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// Rules for rows that the vocabulary cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFunction {
    /// Placements of a referral (design, decision 2). Brings the lookups `first` and `last`: the earliest and the latest
    /// of the care episodes that name the placement.
    Placements,
}

/// One row of another table, chosen for a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The name by which columns refer to it.
    #[serde(rename = "as")]
    pub name: String,
    /// The table.
    pub table: String,
    /// `column = column of the block's own row`. None: all rows of the child.
    pub link: Option<String>,
    /// Which rows count.
    #[serde(default)]
    pub rows: Vec<RowRule>,
    /// Of several, the one with the latest of the first of these columns that is not null; one without any comes last.
    #[serde(default)]
    pub latest: Vec<String>,
    /// The same for an end date: a row without one is still open and comes first.
    pub open_first: Option<String>,
}

/// A rule about one row. Dates are whole days; the window includes both its ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowRule {
    /// `[start, end]`: start is not after the window's end, and end is null or not before the window's start. A null start fails.
    Overlaps([String; 2]),
    /// At least one of these dates is in the window.
    InWindow(Vec<String>),
    /// The column has a value.
    Present(String),
    /// The column has no value.
    Absent(String),
    /// The column holds the child's own id.
    OfChild(String),
    /// The column's text equals the value, in any case.
    Equals {
        /// The column.
        column: String,
        /// The text.
        value: String,
    },
    /// The column's text contains the value, in any case.
    Contains {
        /// The column.
        column: String,
        /// The text.
        value: String,
    },
    /// The date is null or not before the window's start.
    OpenOrEndsInWindow(String),
    /// `[start, end]`: active on a census date, every 31 March inside the window (design, decision 8).
    OnCensusDate([String; 2]),
    /// At least one of these holds.
    Any(Vec<RowRule>),
    /// The child has a row in another table that belongs to this row.
    Exists(Related),
    /// The child has no such row.
    NotExists(Related),
}

/// Rows of another table that belong to a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// The other table.
    pub table: String,
    /// `column of the other table = column of this row`.
    pub link: String,
    /// Which of them count.
    #[serde(default)]
    pub rows: Vec<RowRule>,
}

/// One field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// DfE's attribute number; none for `mis_child_id`.
    pub n: Option<u32>,
    /// Its key in the object.
    pub key: String,
    /// Where the value comes from.
    pub column: String,
    /// For a field that reads several rows of another table: `column of that table = column of this row`. None: all rows of the child.
    pub link: Option<String>,
    /// Where it comes from when `column` has no value. A value there that does not fit is no finding.
    pub fallback: Option<String>,
    /// What it is and how it is read.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The record id of its object: required, and never without a value.
    #[serde(default)]
    pub record_id: bool,
    /// Without a good value the member is left out.
    #[serde(default)]
    pub required: bool,
    /// Longest text, in characters.
    pub max: Option<usize>,
    /// Exact length, in characters.
    pub length: Option<usize>,
    /// A regular expression the whole text must match.
    pub pattern: Option<String>,
    /// The code set of a coded field.
    pub codes: Option<String>,
    /// Text that is a code of this set is silently no value here (`UN1` in the UPN column).
    pub not_codes: Option<String>,
    /// Lowest and highest number.
    pub range: Option<[i64; 2]>,
    /// Most members of a list field.
    pub max_items: Option<usize>,
    /// Written when there is no good value (`U` for sex), or as the one member of a list field where the source has none at all (`NONE`).
    pub default: Option<String>,
    /// A date before this column's is left out.
    pub not_before: Option<String>,
}

/// What a field is and how it is read. Text is trimmed of Unicode white space first, and empty is absent, everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A record id: text.
    Id,
    /// Text as it is.
    Text,
    /// `YYYY-MM-DD`.
    Date,
    /// true or false, from Y T 1 TRUE, N F 0 FALSE in any case, and from numbers.
    Boolean,
    /// A JSON integer.
    Integer,
    /// A code (design, decision 3): upper-cased, aliases mapped; the text, or its first run of letters and digits, is a code.
    Code,
    /// Referral source by the prefix rule of the fact sheet (18), then a code.
    ReferralSource,
    /// Codes of several rows as a sorted list without duplicates (12; design, decision 10). `column` is `table.column`; `link`
    /// says which rows.
    CodeList,
    /// Assessment factors (25; design, decision 4). `column` is `table.column`; `link` says which rows.
    Factors,
    /// The conference flag inside a JSON outcome (31; design, decision 6).
    ConferenceFlag,
    /// true when the lookup named by `column` found a row, else false (14).
    Found,
}
