//! The payload definition, resolved for one CMS (names become the database's, columns become positions) and for one
//! run date (windows become days). Built once a run; the assembler only follows it.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use jiff::ToSpan;
use jiff::civil::Date;

use super::column::Column;
use super::day::Day;
use super::definition::{ColumnType, Definition, TableDef, WindowRule};
pub use super::plan_blocks::{
    BlockPlan, CodesPlan, FieldPlan, Link, LookupPlan, Member, OrderKey, PlacementPlan, Rule, Slot, Source, Window,
};
use super::resolve::{self, Resolver};
use crate::config::{InvalidCodes, Names, PayloadConfig, Profile};
use crate::error::{Error, Kind, Result};
use crate::source::{Join, Path, Scan, Table, TableName};

/// The definition, resolved.
#[derive(Clone)]
pub struct Plan {
    /// The run date and what follows from it.
    pub dates: RunDates,
    /// How the window follows from a run date.
    pub window: WindowRule,
    /// Tables in the order of their SSD names.
    pub tables: Vec<TablePlan>,
    /// The table of people.
    pub people: PeoplePlan,
    /// The sets that admit a child.
    pub include: Vec<IncludePlan>,
    /// The document.
    pub root: BlockPlan,
    /// Code sets, by the positions that fields refer to.
    pub codes: Vec<CodesPlan>,
    /// Texts that mean "no value".
    pub no_value: Vec<String>,
    /// Days that mean "no date".
    pub no_date: Vec<Day>,
    /// What happens to a value that its field does not allow.
    pub invalid: InvalidCodes,
}

/// The run date, and the window and census dates that follow from it (cohort fact sheet, 1 and 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDates {
    /// The run date.
    pub run: Date,
    /// First day of the window.
    pub start: Date,
    /// Last day of the window.
    pub end: Date,
    /// Every 31 March inside the window (design, decision 8).
    pub census: Vec<Date>,
}

impl RunDates {
    /// The dates for a run.
    ///
    /// # Errors
    /// [`Kind::Config`] where the date is outside the years 1900 to 9000.
    pub fn new(run: Date, rule: &WindowRule) -> Result<RunDates> {
        let out_of_range = || Error::new(Kind::Config, format!("{run} cannot be a run date"), "give a date near today");
        if !(1900..9000).contains(&run.year()) {
            return Err(out_of_range());
        }
        // `jiff` clamps the day to the month's length, as SQL Server does.
        let anchor = run.checked_sub(rule.months_back.months()).map_err(|_| out_of_range())?;
        let april = |year: i16| Date::new(year, 4, 1).map_err(|_| out_of_range());
        let start = april(if anchor.month() >= 4 { anchor.year() } else { anchor.year() - 1 })?;
        let end = run.checked_add(rule.days_ahead.days()).map_err(|_| out_of_range())?;
        let census = (start.year()..=end.year())
            .filter_map(|year| Date::new(year, 3, 31).ok())
            .filter(|day| (start..=end).contains(day))
            .collect();
        Ok(RunDates { run, start, end, census })
    }

    /// The run date as a day.
    pub fn run_day(&self) -> Day {
        Day::from(self.run)
    }
}

/// One table.
#[derive(Clone)]
pub struct TablePlan {
    /// Its SSD name.
    pub ssd_name: String,
    /// One scan for each way to the child; empty where the CMS has no such table.
    pub scans: Vec<Scan>,
    /// Its columns, in the order of their SSD names.
    pub columns: Vec<ColumnPlan>,
    /// The columns by which its rows are found for a row of another table.
    pub(super) links: Vec<usize>,
}

/// One column.
#[derive(Clone)]
pub struct ColumnPlan {
    /// Its SSD name.
    pub ssd_name: String,
    /// What it holds.
    pub kind: ColumnType,
    /// Its position among the columns read; `None` where the CMS has no such column, or no rule looks at it.
    pub read: Option<usize>,
    /// The profile's spellings: lower-case text to what it stands for.
    pub values: Option<HashMap<String, String>>,
}

impl ColumnPlan {
    /// Whether it holds record ids.
    pub fn is_id(&self) -> bool {
        self.kind == ColumnType::Id
    }
}

/// The table of people and the rule of age.
#[derive(Clone)]
pub struct PeoplePlan {
    /// The table.
    pub table: usize,
    /// Its id column.
    pub id: usize,
    /// Its birth date.
    pub birth: usize,
    /// Its expected birth date.
    pub expected: usize,
    /// Younger than this at some time in the window, in years.
    pub under_age: i32,
    /// The last day on which an unborn child may be due.
    pub due_until: Day,
}

/// One set that admits a child.
#[derive(Clone)]
pub struct IncludePlan {
    /// For people.
    pub name: String,
    /// The table.
    pub table: usize,
    /// The rules: all must hold for one row.
    pub rows: Vec<Rule>,
}

impl Plan {
    /// Resolves a definition that [`check`] has passed.
    ///
    /// # Errors
    /// [`Kind::Config`] where the run date or the profile does not fit.
    pub fn new(
        definition: &Definition,
        profile: &Profile,
        names: &Names,
        payload: &PayloadConfig,
        run: Date,
    ) -> Result<Plan> {
        let dates = RunDates::new(run, &definition.window)?;
        let resolver = Resolver::new(definition, &dates);
        let people = &definition.cohort;
        let column = |name: &str| resolver.column(&people.table, name);
        let due_until = run
            .checked_add(people.due_within_months.months())
            .map_err(|_| Error::new(Kind::Config, format!("{run} cannot be a run date"), "give a date near today"))?;
        let include = people.include.iter().map(|set| {
            let table = resolver.table(&set.table)?;
            let rows = resolver.rules(&set.rows, table, &[])?;
            Ok(IncludePlan { name: set.name.clone(), table, rows })
        });
        let people = PeoplePlan {
            table: resolver.table(&people.table)?,
            id: column(&people.id)?,
            birth: column(&people.birth)?,
            expected: column(&people.expected)?,
            under_age: people.under_age,
            due_until: due_until.into(),
        };
        let include = include.collect::<Result<_>>()?;
        let root = resolver.document(&payload.unstable_ids)?;
        let tables = definition.tables.iter().map(|(ssd_name, table)| {
            let used = |column: &str| resolver.is_used(ssd_name, column);
            let links = resolver.links(ssd_name);
            Ok(TablePlan { links, ..table_plan(definition, profile, names, ssd_name, table, &used)? })
        });
        Ok(Plan {
            tables: tables.collect::<Result<_>>()?,
            people,
            include,
            root,
            codes: definition.codes.values().map(CodesPlan::new).collect(),
            no_value: definition.no_value.clone(),
            no_date: definition.no_date.iter().filter_map(|text| Day::parse(text)).collect(),
            invalid: payload.invalid_codes,
            window: definition.window.clone(),
            dates,
        })
    }

    /// The table of people as the database calls it.
    ///
    /// # Errors
    /// [`Kind::Schema`] where the CMS profile has none.
    pub fn people_table(&self) -> Result<TableName> {
        let table = &self.tables[self.people.table];
        let missing = || {
            let message = format!("{} has no name in this CMS profile", table.ssd_name);
            Error::new(Kind::Schema, message, "correct the profile")
        };
        table.scans.first().map(|scan| scan.table.clone()).ok_or_else(missing)
    }

    /// The tables a read session will be asked for, with their columns.
    pub fn source_tables(&self) -> Vec<Table> {
        let mut tables: BTreeMap<TableName, Vec<String>> = BTreeMap::new();
        for scan in self.tables.iter().flat_map(|table| &table.scans) {
            let columns = tables.entry(scan.table.clone()).or_default();
            columns.extend(scan.columns.iter().cloned());
            let mut at = scan.table.clone();
            for join in &scan.path_to_child.joins {
                tables.entry(at).or_default().push(join.column.clone());
                tables.entry(join.table.clone()).or_default().push(join.key.clone());
                at = join.table.clone();
            }
            tables.entry(at).or_default().push(scan.path_to_child.child.clone());
        }
        let distinct = |(name, mut columns): (TableName, Vec<String>)| {
            columns.sort();
            columns.dedup();
            Table { name, columns }
        };
        tables.into_iter().map(distinct).collect()
    }
}

impl TablePlan {
    /// How many columns its scans read.
    pub fn read_columns(&self) -> usize {
        self.columns.iter().filter(|column| column.read.is_some()).count()
    }

    /// Reads a batch of this table; the first column of the batch is the child's number.
    pub(super) fn columns_of(&self, plan: &Plan, batch: &RecordBatch) -> Result<Vec<Column>> {
        let read = |column: &ColumnPlan| {
            let Some(position) = column.read else { return Ok(Column::Missing) };
            let array = batch.column(position + 1);
            let name = format!("{}.{}", self.ssd_name, column.ssd_name);
            match column.kind {
                ColumnType::Date => Column::days(array, &name, &plan.no_date, &plan.no_value),
                _ => Column::text(array, &name),
            }
        };
        self.columns.iter().map(read).collect()
    }
}

fn table_plan(
    definition: &Definition,
    profile: &Profile,
    names: &Names,
    ssd_name: &str,
    table: &TableDef,
    used: &dyn Fn(&str) -> bool,
) -> Result<TablePlan> {
    let spellings = profile.values.get(ssd_name);
    let mut read = Vec::new();
    let mut columns = Vec::new();
    for (column, kind) in &table.columns {
        // What no rule looks at is not read.
        let physical = names.column(ssd_name, column).filter(|_| used(column));
        columns.push(ColumnPlan {
            ssd_name: column.clone(),
            kind: *kind,
            read: physical.is_some().then_some(read.len()),
            values: spellings
                .and_then(|columns| columns.get(column))
                .map(|values| values.iter().map(|(from, to)| (from.trim().to_lowercase(), to.clone())).collect()),
        });
        read.extend(physical);
    }
    let mut scans = Vec::new();
    for way in &table.child {
        // A way through a table or column that this CMS does not have leads nowhere.
        if let (Some(name), Some(path)) = (names.table(ssd_name), path(definition, names, ssd_name, way)?) {
            scans.push(Scan { table: name, columns: read.clone(), path_to_child: path });
        }
    }
    Ok(TablePlan { ssd_name: ssd_name.to_owned(), scans, columns, links: Vec::new() })
}

fn path(definition: &Definition, names: &Names, ssd_name: &str, way: &[String]) -> Result<Option<Path>> {
    let mut at = ssd_name;
    let mut joins = Vec::new();
    let Some((child, steps)) = way.split_last() else { return Ok(None) };
    for step in steps {
        let (column, table, key) = resolve::parse_join(step)?;
        if !definition.tables.contains_key(table) {
            return Err(Error::new(
                Kind::Config,
                format!("{step}: there is no table {table}"),
                "correct the payload definition",
            ));
        }
        let (Some(column), Some(table_name), Some(key)) =
            (names.column(at, column), names.table(table), names.column(table, key))
        else {
            return Ok(None);
        };
        joins.push(Join { column, table: table_name, key });
        at = table;
    }
    Ok(names.column(at, child).map(|child| Path { joins, child, no_key: definition.no_value.clone() }))
}

/// Checks that a definition holds together: every table, column, lookup, code set and block it names is there.
///
/// # Errors
/// [`Kind::Config`], naming the block or field and what is wrong with it.
pub fn check(definition: &Definition) -> Result<()> {
    let names = Names::default();
    let payload = PayloadConfig::default();
    Plan::new(definition, &Profile::default(), &names, &payload, Date::constant(2026, 11, 20)).map(drop)?;
    let paths: Vec<&str> = definition.blocks.iter().map(|block| block.path.as_str()).collect();
    for block in &definition.blocks {
        if let Some(parent) = resolve::parent_of(&block.path)
            && !paths.contains(&parent)
        {
            return Err(Error::new(
                Kind::Config,
                format!("block \"{}\": there is no block \"{parent}\"", block.path),
                "declare the parent block before it",
            ));
        }
    }
    Ok(())
}
