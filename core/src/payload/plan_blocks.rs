//! Blocks, fields and row rules with their names resolved to positions.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::day::Day;
use super::definition::{Block, CodeSet, Definition, Field, FieldType, Lookup, Related, RowFunction, RowRule};
use super::plan::RunDates;
use crate::error::{Error, Kind, Result};

/// Most lookups a block may have; the assembler keeps them in an array of this size.
pub const MOST_LOOKUPS: usize = 4;

/// One object or list.
#[derive(Clone)]
pub struct BlockPlan {
    /// Its key in the parent; empty for the root.
    pub key: String,
    /// Its place in the document, such as `social_care_episodes[].adoption`.
    pub path: String,
    /// A list, or one object.
    pub list: bool,
    /// Whose rows it shows.
    pub source: Source,
    /// Rows of other tables it uses.
    pub lookups: Vec<LookupPlan>,
    /// Which rows count.
    pub rows: Vec<Rule>,
    /// A list's order.
    pub order: Vec<OrderKey>,
    /// Which one row an object shows.
    pub latest: Vec<Slot>,
    /// Whether nothing but `purge` in it leaves it out.
    pub drop_empty: bool,
    /// The field that is its record id.
    pub id: Option<usize>,
    /// Its fields, in the definition's order.
    pub fields: Vec<FieldPlan>,
    /// Its inner blocks, in the definition's order.
    pub blocks: Vec<BlockPlan>,
    /// What is written, sorted by key.
    pub members: Vec<Member>,
}

/// What an object holds at one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// A field.
    Field(usize),
    /// An inner block.
    Block(usize),
    /// `"purge":false`.
    Purge,
}

/// Whose rows a block shows.
#[derive(Clone)]
pub enum Source {
    /// Its parent's own row.
    Parent,
    /// Rows of a table: those of the parent's row, or all of the child's.
    Table {
        /// The table.
        table: usize,
        /// Which of them.
        link: Option<Link>,
    },
    /// Placements of a referral.
    Placements(PlacementPlan),
}

/// `column` of the other table equals `own` of this row.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The other table's column.
    pub column: usize,
    /// This row's column.
    pub own: usize,
}

/// What the placement rule needs to know (design, decision 2).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the position of the column it is named for")]
pub struct PlacementPlan {
    pub placements: usize,
    pub placement_id: usize,
    pub placement_period: usize,
    pub care_episodes: usize,
    pub care_placement: usize,
    pub care_period: usize,
    pub care_referral: usize,
    pub care_start: usize,
    pub care_end: usize,
    pub referral_id: usize,
}

/// A row of another table, chosen for a row.
#[derive(Clone)]
pub struct LookupPlan {
    /// The table.
    pub table: usize,
    /// Which rows.
    pub link: Option<Link>,
    /// Which of them count.
    pub rows: Vec<Rule>,
    /// Which one of several.
    pub latest: Vec<Slot>,
    /// An end date: an open row comes first.
    pub open_first: Option<Slot>,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A column of the block's own row.
    Own(usize),
    /// A column of a lookup's row.
    Lookup(usize, usize),
}

/// One key of a list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// A column of dates.
    pub slot: Slot,
    /// Latest first.
    pub descending: bool,
}

/// The days that a rule tests against; both ends count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
}

/// A rule about one row, with its days.
#[derive(Clone)]
#[allow(missing_docs, reason = "as the definition's RowRule")]
pub enum Rule {
    Overlaps { start: Slot, end: Slot, window: Window },
    InWindow { dates: Vec<Slot>, window: Window },
    Present(Slot),
    Absent(Slot),
    Equals { slot: Slot, value: String },
    Contains { slot: Slot, value: String },
    OpenOrEndsInWindow { end: Slot, window: Window },
    OnCensusDate { start: Slot, end: Slot, days: Vec<Day> },
    Any(Vec<Rule>),
    Exists { wanted: bool, table: usize, link: Link, rows: Vec<Rule> },
}

/// One field.
#[derive(Clone)]
pub struct FieldPlan {
    /// Its key.
    pub key: String,
    /// Its place in the document, for findings.
    pub path: String,
    /// What it is.
    pub kind: FieldType,
    /// Where its value stands. For a field of several rows, a column of `rows_of`; for `Found`, a lookup.
    pub slot: Slot,
    /// The table a field of several rows reads, and which of its rows.
    pub rows_of: Option<(usize, Option<Link>)>,
    /// Where it stands otherwise.
    pub fallback: Option<Slot>,
    /// Without a good value the record is left out.
    pub required: bool,
    /// Whether it stays out of the hash.
    pub unstable: bool,
    /// Longest text.
    pub max: Option<usize>,
    /// Exact length.
    pub length: Option<usize>,
    /// The whole text must match.
    pub pattern: Option<Regex>,
    /// Its code set.
    pub codes: Option<usize>,
    /// Codes that are no value here.
    pub not_codes: Option<usize>,
    /// Lowest and highest number.
    pub range: Option<[i64; 2]>,
    /// Most members.
    pub max_items: Option<usize>,
    /// Without a good value.
    pub default: Option<String>,
    /// A date before this is left out.
    pub not_before: Option<Slot>,
}

/// A code set, ready for look-ups in any case.
#[derive(Debug, Clone)]
pub struct CodesPlan {
    /// Upper-case spelling to code, the codes themselves among them; sorted.
    spellings: Vec<(String, String)>,
    /// Whether any text is a code: only the mutation check widens a set so far.
    pub anything: bool,
}

impl CodesPlan {
    /// The codes and aliases of a set.
    pub fn new(set: &CodeSet) -> CodesPlan {
        let codes = set.codes.keys().map(|code| (code.to_uppercase(), code.clone()));
        let aliases = set.aliases.iter().map(|(alias, code)| (alias.to_uppercase(), code.clone()));
        let spellings: BTreeMap<String, String> = aliases.chain(codes).collect();
        CodesPlan { spellings: spellings.into_iter().collect(), anything: false }
    }

    /// The code that a spelling stands for, in any case.
    pub fn find<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        if self.anything {
            return Some(text);
        }
        let upper = || text.bytes().map(|byte| byte.to_ascii_uppercase());
        let found = self.spellings.binary_search_by(|(spelling, _)| spelling.bytes().cmp(upper()));
        found.ok().map(|index| self.spellings[index].1.as_str())
    }
}

/// Names to positions.
pub(super) struct Resolver<'a> {
    definition: &'a Definition,
    dates: &'a RunDates,
}

/// What a block's column references may name: its own table and its lookups.
struct Scope<'a> {
    table: &'a str,
    lookups: Vec<(&'a str, &'a str)>,
}

impl<'a> Resolver<'a> {
    pub fn new(definition: &'a Definition, dates: &'a RunDates) -> Self {
        Resolver { definition, dates }
    }

    /// Position of a table.
    pub fn table(&self, name: &str) -> Result<usize> {
        self.definition
            .tables
            .keys()
            .position(|table| table == name)
            .ok_or_else(|| wrong(format!("there is no table {name}")))
    }

    /// Position of a column.
    pub fn column(&self, table: &str, name: &str) -> Result<usize> {
        let columns = self.definition.tables.get(table).map(|table| &table.columns);
        columns
            .and_then(|columns| columns.keys().position(|column| column == name))
            .ok_or_else(|| wrong(format!("{table} has no column {name}")))
    }

    /// The rules of a set or a lookup over one table.
    pub fn rules(&self, rules: &[RowRule], table: usize, lookups: &[Lookup]) -> Result<Vec<Rule>> {
        let scope = Scope { table: self.table_name(table), lookups: named(lookups) };
        rules.iter().map(|rule| self.rule(rule, &scope)).collect()
    }

    /// The whole document.
    pub fn document(&self, unstable: &[String]) -> Result<BlockPlan> {
        let root = self.definition.blocks.first().filter(|block| block.path.is_empty());
        let root = root.ok_or_else(|| wrong("the first block must be the root, with path = \"\"".to_owned()))?;
        let people = self.definition.cohort.table.as_str();
        self.block(root, people, unstable)
    }

    fn block(&self, block: &Block, parent_table: &str, unstable: &[String]) -> Result<BlockPlan> {
        let within = |error: Error| error.within(format!("block \"{}\"", block.path));
        let own_table = block.table.as_deref().unwrap_or(parent_table);
        let source = self.source(block, parent_table).map_err(within)?;
        let mut scope = Scope { table: own_table, lookups: named(&block.lookups) };
        if block.function == Some(RowFunction::Placements) {
            scope.lookups.extend([("first", "ssd_cla_episodes"), ("last", "ssd_cla_episodes")]);
        }
        if scope.lookups.len() > MOST_LOOKUPS {
            return Err(within(wrong(format!("more than {MOST_LOOKUPS} lookups"))));
        }
        let slots = |names: &[String]| names.iter().map(|name| self.slot(name, &scope)).collect::<Result<Vec<_>>>();
        let fields = block.fields.iter().map(|field| self.field(field, block, &scope, unstable));
        let fields = fields.collect::<Result<Vec<_>>>().map_err(within)?;
        let inner = self.definition.blocks.iter().filter(|inner| parent_of(&inner.path) == Some(&block.path));
        let blocks = inner.map(|inner| self.block(inner, own_table, unstable)).collect::<Result<Vec<_>>>()?;
        let mut members: Vec<(&str, Member)> = Vec::new();
        members.extend(fields.iter().enumerate().map(|(index, field)| (field.key.as_str(), Member::Field(index))));
        members.extend(blocks.iter().enumerate().map(|(index, inner)| (inner.key.as_str(), Member::Block(index))));
        members.extend(block.purge.then_some(("purge", Member::Purge)));
        members.sort_by_key(|(key, _)| *key);
        let order = block.order.iter().map(|name| {
            let column = name.strip_prefix('-');
            Ok(OrderKey { slot: self.slot(column.unwrap_or(name), &scope)?, descending: column.is_some() })
        });
        Ok(BlockPlan {
            key: key_of(&block.path).to_owned(),
            path: block.path.clone(),
            list: block.path.ends_with("[]"),
            source,
            lookups: self.lookups(block, own_table).map_err(within)?,
            rows: block.rows.iter().map(|rule| self.rule(rule, &scope)).collect::<Result<_>>().map_err(within)?,
            order: order.collect::<Result<_>>().map_err(within)?,
            latest: slots(&block.latest).map_err(within)?,
            drop_empty: block.drop_empty,
            id: block.fields.iter().position(|field| field.record_id),
            members: members.into_iter().map(|(_, member)| member).collect(),
            fields,
            blocks,
        })
    }

    fn source(&self, block: &Block, parent_table: &str) -> Result<Source> {
        if block.function == Some(RowFunction::Placements) {
            let (placements, care) = ("ssd_cla_placement", "ssd_cla_episodes");
            return Ok(Source::Placements(PlacementPlan {
                placements: self.table(placements)?,
                placement_id: self.column(placements, "clap_cla_placement_id")?,
                placement_period: self.column(placements, "clap_cla_id")?,
                care_episodes: self.table(care)?,
                care_placement: self.column(care, "clae_cla_placement_id")?,
                care_period: self.column(care, "clae_cla_id")?,
                care_referral: self.column(care, "clae_referral_id")?,
                care_start: self.column(care, "clae_cla_episode_start_date")?,
                care_end: self.column(care, "clae_cla_episode_ceased_date")?,
                referral_id: self.column(parent_table, "cine_referral_id")?,
            }));
        }
        match &block.table {
            // An object over its parent's own table shows the parent's own row.
            None => Ok(Source::Parent),
            Some(table) if table == parent_table && block.link.is_none() && !block.path.ends_with("[]") => {
                Ok(Source::Parent)
            }
            Some(table) => Ok(Source::Table {
                table: self.table(table)?,
                link: block.link.as_deref().map(|link| self.link(link, table, parent_table)).transpose()?,
            }),
        }
    }

    fn lookups(&self, block: &Block, own_table: &str) -> Result<Vec<LookupPlan>> {
        let plan = |lookup: &Lookup| {
            let table = self.table(&lookup.table)?;
            let scope = Scope { table: &lookup.table, lookups: Vec::new() };
            Ok(LookupPlan {
                table,
                link: lookup.link.as_deref().map(|link| self.link(link, &lookup.table, own_table)).transpose()?,
                rows: lookup.rows.iter().map(|rule| self.rule(rule, &scope)).collect::<Result<_>>()?,
                latest: lookup.latest.iter().map(|name| self.slot(name, &scope)).collect::<Result<_>>()?,
                open_first: lookup.open_first.as_deref().map(|name| self.slot(name, &scope)).transpose()?,
            })
        };
        block.lookups.iter().map(plan).collect()
    }

    fn field(&self, field: &Field, block: &Block, scope: &Scope<'_>, unstable: &[String]) -> Result<FieldPlan> {
        let path = field_path(&block.path, &field.key);
        let set = |name: &String| {
            self.definition
                .codes
                .keys()
                .position(|known| known == name)
                .ok_or_else(|| wrong(format!("there is no code set {name}")))
        };
        let mut rows_of = None;
        let slot = match field.kind {
            FieldType::CodeList | FieldType::Factors => {
                let (table, column) =
                    field.column.split_once('.').ok_or_else(|| wrong(format!("{}: write table.column", field.key)))?;
                let link = field.link.as_deref().map(|link| self.link(link, table, scope.table)).transpose()?;
                rows_of = Some((self.table(table)?, link));
                Slot::Own(self.column(table, column)?)
            }
            FieldType::Found => {
                let lookup = scope.lookups.iter().position(|(name, _)| *name == field.column);
                Slot::Lookup(lookup.ok_or_else(|| wrong(format!("there is no lookup {}", field.column)))?, 0)
            }
            _ => self.slot(&field.column, scope)?,
        };
        let pattern = field.pattern.as_ref().map(|pattern| {
            Regex::new(pattern).map_err(|_| wrong(format!("{path}: the pattern is no regular expression")))
        });
        let slot_of = |name: &Option<String>| name.as_deref().map(|name| self.slot(name, scope)).transpose();
        Ok(FieldPlan {
            key: field.key.clone(),
            kind: field.kind,
            slot,
            rows_of,
            fallback: slot_of(&field.fallback)?,
            required: field.required || field.record_id,
            unstable: unstable.contains(&path),
            max: field.max,
            length: field.length,
            pattern: pattern.transpose()?,
            codes: field.codes.as_ref().map(set).transpose()?,
            not_codes: field.not_codes.as_ref().map(set).transpose()?,
            range: field.range,
            max_items: field.max_items,
            default: field.default.clone(),
            not_before: slot_of(&field.not_before)?,
            path,
        })
    }

    fn slot(&self, name: &str, scope: &Scope<'_>) -> Result<Slot> {
        match name.split_once('.') {
            None => Ok(Slot::Own(self.column(scope.table, name)?)),
            Some((lookup, column)) => {
                let index = scope.lookups.iter().position(|(known, _)| *known == lookup);
                let index = index.ok_or_else(|| wrong(format!("there is no lookup {lookup}")))?;
                Ok(Slot::Lookup(index, self.column(scope.lookups[index].1, column)?))
            }
        }
    }

    fn rule(&self, rule: &RowRule, scope: &Scope<'_>) -> Result<Rule> {
        let slot = |name: &String| self.slot(name, scope);
        let window = Window { from: self.dates.start.into(), to: self.dates.end.into() };
        Ok(match rule {
            RowRule::Overlaps([start, end]) => Rule::Overlaps { start: slot(start)?, end: slot(end)?, window },
            RowRule::InWindow(dates) => {
                Rule::InWindow { dates: dates.iter().map(slot).collect::<Result<_>>()?, window }
            }
            RowRule::Present(column) => Rule::Present(slot(column)?),
            RowRule::Absent(column) => Rule::Absent(slot(column)?),
            RowRule::Equals { column, value } => Rule::Equals { slot: slot(column)?, value: value.to_lowercase() },
            RowRule::Contains { column, value } => Rule::Contains { slot: slot(column)?, value: value.to_lowercase() },
            RowRule::OpenOrEndsInWindow(end) => Rule::OpenOrEndsInWindow { end: slot(end)?, window },
            RowRule::OnCensusDate([start, end]) => {
                let days = self.dates.census.iter().map(|day| Day::from(*day)).collect();
                Rule::OnCensusDate { start: slot(start)?, end: slot(end)?, days }
            }
            RowRule::Any(rules) => Rule::Any(rules.iter().map(|rule| self.rule(rule, scope)).collect::<Result<_>>()?),
            RowRule::Exists(related) => self.related(related, true, scope)?,
            RowRule::NotExists(related) => self.related(related, false, scope)?,
        })
    }

    fn related(&self, related: &Related, wanted: bool, scope: &Scope<'_>) -> Result<Rule> {
        let table = self.table(&related.table)?;
        let rows = self.rules(&related.rows, table, &[])?;
        Ok(Rule::Exists { wanted, table, link: self.link(&related.link, &related.table, scope.table)?, rows })
    }

    fn link(&self, link: &str, table: &str, own_table: &str) -> Result<Link> {
        let (column, own) = link.split_once('=').ok_or_else(|| wrong(format!("{link}: write column = column")))?;
        Ok(Link { column: self.column(table, column.trim())?, own: self.column(own_table, own.trim())? })
    }

    fn table_name(&self, table: usize) -> &str {
        self.definition.tables.keys().nth(table).map_or("", String::as_str)
    }
}

impl Definition {
    /// The paths of all record ids, such as `social_care_episodes[].social_care_episode_id`, but for the child's own.
    pub fn record_id_paths(&self) -> Vec<String> {
        let inner = self.blocks.iter().filter(|block| !block.path.is_empty());
        inner
            .flat_map(|block| {
                block.fields.iter().filter(|field| field.record_id).map(|field| field_path(&block.path, &field.key))
            })
            .collect()
    }
}

/// `a = table.b` in its three parts.
pub(super) fn parse_join(step: &str) -> Result<(&str, &str, &str)> {
    let parts = step.split_once('=').and_then(|(column, right)| Some((column.trim(), right.trim().split_once('.')?)));
    let (column, (table, key)) = parts.ok_or_else(|| wrong(format!("{step}: write column = table.column")))?;
    Ok((column, table, key))
}

/// A field's place in the document.
pub(super) fn field_path(block: &str, key: &str) -> String {
    if block.is_empty() { key.to_owned() } else { format!("{block}.{key}") }
}

/// The path of the block that holds a block; `None` for the root.
pub(super) fn parent_of(path: &str) -> Option<&str> {
    match path.rsplit_once('.') {
        Some((parent, _)) => Some(parent),
        None if path.is_empty() => None,
        None => Some(""),
    }
}

fn key_of(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, key)| key).trim_end_matches("[]")
}

fn named(lookups: &[Lookup]) -> Vec<(&str, &str)> {
    lookups.iter().map(|lookup| (lookup.name.as_str(), lookup.table.as_str())).collect()
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Config, message, "correct the payload definition; docs/add-a-field.md explains its words")
}
