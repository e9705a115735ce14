//! What happens in the authority: rows come, change and go, and children with them.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::database::Cell;
use super::office::Office;
use super::tables::{Kind, TABLES, Table};

/// Children of a sequence, at most.
const CHILDREN: usize = 6;
/// Ids that a child's rows of a table may have.
const IDS: usize = 4;

/// The authority's children, and what is needed to bring one back as it was.
pub struct Ssd {
    children: Vec<String>,
    /// Rows of `ssd_person` that were removed.
    removed: BTreeMap<String, Vec<(String, Cell)>>,
    /// Birth dates of children who were made too old.
    aged: BTreeMap<String, Cell>,
}

impl Ssd {
    /// Some children with some rows each.
    pub fn fill(office: &Office, rng: &mut Rng) -> Ssd {
        let children: Vec<String> = (1..=rng.usize(2..=CHILDREN)).map(|number| format!("c{number}")).collect();
        let ssd = Ssd { children, removed: BTreeMap::new(), aged: BTreeMap::new() };
        for table in TABLES {
            for child in &ssd.children {
                let rows = if table.name == "ssd_person" { 1 } else { rng.usize(0..=table.most) };
                for _ in 0..rows {
                    ssd.insert(office, rng, table, child);
                }
            }
        }
        ssd
    }

    /// One of the children.
    pub fn any<'a>(&'a self, rng: &mut Rng) -> &'a str {
        &self.children[rng.usize(..self.children.len())]
    }

    /// One change to one row of some table; says what it was.
    pub fn change(&self, office: &Office, rng: &mut Rng) -> String {
        let table = &TABLES[rng.usize(..TABLES.len())];
        let rows: Vec<i64> = office.column(&format!("SELECT rowid FROM {} ORDER BY rowid", table.name));
        let is_person = table.name == "ssd_person";
        match rng.u8(..10) {
            0..3 if !is_person => {
                let child = self.any(rng).to_owned();
                self.insert(office, rng, table, &child);
                format!("added a row to {} for {child}", table.name)
            }
            3..5 if !is_person && !rows.is_empty() => {
                let row = rows[rng.usize(..rows.len())];
                office.execute(&format!("DELETE FROM {} WHERE rowid = ?", table.name), &[row.into()]);
                format!("deleted row {row} of {}", table.name)
            }
            _ if !rows.is_empty() => {
                let row = rows[rng.usize(..rows.len())];
                self.edit(office, rng, table, row)
            }
            _ => "nothing to change".to_owned(),
        }
    }

    /// One field of one row gets another value. Rows keep their own ids and their child; they may move to another parent.
    fn edit(&self, office: &Office, rng: &mut Rng, table: &Table, row: i64) -> String {
        let columns: Vec<_> =
            table.columns.iter().filter(|(_, kind)| !matches!(kind, Kind::Child | Kind::Own)).collect();
        let (column, kind) = columns[rng.usize(..columns.len())];
        let child = self.any(rng).to_owned();
        let value = self.value(office, rng, table, column, *kind, &child);
        let shown = format!("{value:?}");
        office.execute(&format!("UPDATE {} SET {column} = ? WHERE rowid = ?", table.name), &[value, row.into()]);
        format!("set {column} of row {row} to {shown}")
    }

    fn insert(&self, office: &Office, rng: &mut Rng, table: &Table, child: &str) {
        let values: Vec<(String, Cell)> = table
            .columns
            .iter()
            .map(|(column, kind)| ((*column).to_owned(), self.value(office, rng, table, column, *kind, child)))
            .collect();
        put(office, table.name, &values);
    }

    fn value(&self, office: &Office, rng: &mut Rng, table: &Table, column: &str, kind: Kind, child: &str) -> Cell {
        let text = |text: &str| if text.is_empty() { Cell::Null } else { Cell::Text(text.to_owned()) };
        match kind {
            Kind::Child => text(child),
            Kind::Any(values) => text(values[rng.usize(..values.len())]),
            Kind::Number(values) => Cell::Integer(values[rng.usize(..values.len())]),
            Kind::Own => {
                // An id that went may come back, as another record or as the same.
                let taken: Vec<String> = office.column(&format!("SELECT {column} FROM {}", table.name));
                let short = table.name.trim_start_matches("ssd_");
                let free = |number: &usize| !taken.contains(&format!("{child}-{short}-{number}"));
                let number = (1..=IDS).find(free).unwrap_or_else(|| taken.len() + IDS);
                Cell::Text(format!("{child}-{short}-{number}"))
            }
            Kind::Of(other, id) => {
                let all: Vec<String> = office.column(&format!("SELECT {id} FROM {other} ORDER BY rowid"));
                let own: Vec<&String> = all.iter().filter(|id| id.starts_with(&format!("{child}-"))).collect();
                match (own.is_empty(), all.is_empty(), rng.u8(..20)) {
                    (false, _, 1..) => Cell::Text(own[rng.usize(..own.len())].clone()),
                    (_, false, _) => Cell::Text(all[rng.usize(..all.len())].clone()),
                    _ => Cell::Null,
                }
            }
        }
    }

    /// A child gets one of two names.
    pub fn rename(&self, office: &Office, child: &str, other: bool) -> String {
        let name = if other { "Zoë" } else { "Ann" };
        let rename = "UPDATE ssd_person SET pers_forename = ? WHERE pers_person_id = ?";
        office.execute(rename, &[name.into(), child.into()]);
        format!("{child} is {name}")
    }

    /// A child goes from `ssd_person`, and sometimes all its rows with it.
    pub fn remove(&mut self, office: &Office, rng: &mut Rng) -> String {
        let child = self.any(rng).to_owned();
        let columns: Vec<&str> = TABLES[0].columns.iter().map(|(column, _)| *column).collect();
        let query = format!("SELECT {} FROM ssd_person WHERE pers_person_id = ? ORDER BY rowid", columns.join(", "));
        let rows = office.query(&query, &[(&child).into()]);
        let Some(values) = rows.into_iter().next() else { return format!("{child} is gone already") };
        let row = columns.into_iter().map(str::to_owned).zip(values).collect();
        self.removed.insert(child.clone(), row);
        office.execute("DELETE FROM ssd_person WHERE pers_person_id = ?", &[(&child).into()]);
        if rng.bool() {
            return format!("removed {child} from ssd_person");
        }
        for table in &TABLES[1..] {
            if let Some(column) = table.child() {
                office.execute(&format!("DELETE FROM {} WHERE {column} = ?", table.name), &[(&child).into()]);
            }
        }
        format!("removed {child} with all its rows")
    }

    /// A child that was removed comes back, as it was or with another name.
    pub fn bring_back(&mut self, office: &Office, rng: &mut Rng) -> String {
        let Some(child) = self.removed.keys().nth(rng.usize(..self.removed.len().max(1))).cloned() else {
            return "nobody to bring back".to_owned();
        };
        let mut row = self.removed.remove(&child).unwrap_or_default();
        let is_other = rng.bool();
        if is_other && let Some(name) = row.iter_mut().find(|(column, _)| column == "pers_forename") {
            name.1 = Cell::Text("Zoë".to_owned());
        }
        put(office, "ssd_person", &row);
        format!("brought {child} back{}", if is_other { " under another name" } else { "" })
    }

    /// A child becomes too old, or is as young again as it was.
    pub fn age(&mut self, office: &Office, rng: &mut Rng) -> String {
        if let (Some(child), true) = (self.aged.keys().next().cloned(), rng.bool()) {
            let birth = self.aged.remove(&child).unwrap_or(Cell::Null);
            office.execute("UPDATE ssd_person SET pers_dob = ? WHERE pers_person_id = ?", &[birth, (&child).into()]);
            return format!("{child} is young again");
        }
        let child = self.any(rng).to_owned();
        let births = "SELECT pers_dob FROM ssd_person WHERE pers_person_id = ? ORDER BY rowid";
        let births = office.query(births, &[(&child).into()]);
        let Some(birth) = births.into_iter().flatten().next() else { return format!("{child} is gone") };
        self.aged.entry(child.clone()).or_insert(birth);
        office.execute("UPDATE ssd_person SET pers_dob = '1980-01-01' WHERE pers_person_id = ?", &[(&child).into()]);
        format!("{child} is too old")
    }

    /// All that admits a child goes out of the window, or an episode comes back into it.
    pub fn shift(&self, office: &Office, rng: &mut Rng) -> String {
        let child = self.any(rng);
        if rng.bool() {
            let back = "UPDATE ssd_cin_episodes SET cine_referral_date = '2025-09-01', cine_close_date = NULL WHERE cine_person_id = ?";
            office.execute(back, &[child.into()]);
            return format!("the episodes of {child} are open");
        }
        for statement in [
            "UPDATE ssd_cin_episodes SET cine_referral_date = '2020-01-01', cine_close_date = '2020-02-01' WHERE cine_person_id = ?",
            "UPDATE ssd_cin_plans SET cinp_cin_plan_end_date = '2020-02-01' WHERE cinp_person_id = ?",
            "UPDATE ssd_cla_placement SET clap_cla_placement_end_date = '2020-02-01' WHERE clap_cla_placement_id LIKE ? || '-%'",
        ] {
            office.execute(statement, &[child.into()]);
        }
        format!("everything of {child} is out of the window")
    }

    /// A child's id stands there twice, and nobody can say which is meant; or no longer.
    pub fn double(&self, office: &Office, rng: &mut Rng) -> String {
        let double = "SELECT MAX(rowid) FROM ssd_person GROUP BY pers_person_id HAVING COUNT(*) > 1";
        if office.execute(&format!("DELETE FROM ssd_person WHERE rowid IN ({double})"), &[]) > 0 {
            return "every id is there once".to_owned();
        }
        let child = self.any(rng);
        let columns: Vec<&str> = TABLES[0].columns.iter().map(|(column, _)| *column).collect();
        let columns = columns.join(", ");
        let again =
            format!("INSERT INTO ssd_person ({columns}) SELECT {columns} FROM ssd_person WHERE pers_person_id = ?");
        format!("the id of {child} is there {} times more", office.execute(&again, &[child.into()]))
    }
}

fn put(office: &Office, table: &str, values: &[(String, Cell)]) {
    let columns: Vec<&str> = values.iter().map(|(column, _)| column.as_str()).collect();
    let marks = vec!["?"; values.len()].join(", ");
    let values: Vec<Cell> = values.iter().map(|(_, value)| value.clone()).collect();
    office.execute(&format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", ")), &values);
}
