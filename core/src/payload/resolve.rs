//! From the definition's names to positions: tables, columns, lookups, code sets.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::canonical::write_string;
use super::day::Day;
use super::definition::{Block, Definition, Field, FieldType, Lookup, Related, RowFunction, RowRule};
use super::pattern::Pattern;
use super::plan::RunDates;
use super::plan_blocks::{
    BlockPlan, FieldPlan, Link, LookupPlan, MOST_LOOKUPS, Member, OrderKey, PlacementPlan, Rule, Slot, Source, Window,
};
use crate::error::{Error, Kind, Result};

/// Names to positions.
pub(super) struct Resolver<'a> {
    definition: &'a Definition,
    dates: &'a RunDates,
    /// Table and column of everything that was asked for: the columns that must be read.
    used: RefCell<BTreeSet<(String, String)>>,
    /// Table and column by which rows are found for a row of another table.
    links: RefCell<BTreeSet<(String, usize)>>,
}

/// What a block's column references may name: its own table and its lookups.
struct Scope<'a> {
    table: &'a str,
    lookups: Vec<(&'a str, &'a str)>,
}

impl<'a> Resolver<'a> {
    pub fn new(definition: &'a Definition, dates: &'a RunDates) -> Self {
        Resolver { definition, dates, used: RefCell::default(), links: RefCell::default() }
    }

    /// Position of a table.
    pub fn table(&self, name: &str) -> Result<usize> {
        self.definition
            .tables
            .keys()
            .position(|table| table == name)
            .ok_or_else(|| wrong(format!("there is no table {name}")))
    }

    /// Position of a column, which is thereby used.
    pub fn column(&self, table: &str, name: &str) -> Result<usize> {
        let columns = self.definition.tables.get(table).map(|table| &table.columns);
        let position = columns.and_then(|columns| columns.keys().position(|column| column == name));
        let position = position.ok_or_else(|| wrong(format!("{table} has no column {name}")))?;
        self.used.borrow_mut().insert((table.to_owned(), name.to_owned()));
        Ok(position)
    }

    /// Position of a column by which rows are found for a row of another table.
    fn linking(&self, table: &str, name: &str) -> Result<usize> {
        let column = self.column(table, name)?;
        self.links.borrow_mut().insert((table.to_owned(), column));
        Ok(column)
    }

    /// Whether anything resolved so far looks at a column.
    pub fn is_used(&self, table: &str, name: &str) -> bool {
        self.used.borrow().contains(&(table.to_owned(), name.to_owned()))
    }

    /// The columns by which rows of a table are found for a row of another, as far as resolved.
    pub fn links(&self, table: &str) -> Vec<usize> {
        self.links.borrow().iter().filter(|(linked, _)| linked == table).map(|(_, column)| *column).collect()
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
            required: fields.iter().position(|field| field.required).filter(|_| !block.path.is_empty()),
            keys: members.iter().map(|(key, _)| before_value(key)).collect(),
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
                care_placement: self.linking(care, "clae_cla_placement_id")?,
                care_period: self.linking(care, "clae_cla_id")?,
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
            Pattern::new(pattern).map_err(|_| wrong(format!("{path}: the pattern is no regular expression")))
        });
        let slot_of = |name: &Option<String>| name.as_deref().map(|name| self.slot(name, scope)).transpose();
        Ok(FieldPlan {
            key: field.key.clone(),
            kind: field.kind,
            slot,
            rows_of,
            fallback: slot_of(&field.fallback)?,
            required: field.required || field.record_id,
            may_skip: match field.kind {
                FieldType::Id | FieldType::Text | FieldType::Date => true,
                FieldType::Boolean | FieldType::Integer | FieldType::ConferenceFlag => true,
                FieldType::Code | FieldType::ReferralSource => field.default.is_none() && field.fallback.is_none(),
                FieldType::CodeList | FieldType::Factors | FieldType::Found => false,
            },
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
            RowRule::OfChild(column) => Rule::OfChild(slot(column)?),
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
        Ok(Link { column: self.linking(table, column.trim())?, own: self.column(own_table, own.trim())? })
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

/// A comma, a key and a colon.
fn before_value(key: &str) -> String {
    let mut text = vec![b','];
    write_string(key, &mut text);
    text.push(b':');
    String::from_utf8_lossy(&text).into_owned()
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
