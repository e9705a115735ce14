//! How the rows of a table reach the selected children: from a [`Scan`] to one SELECT.

use std::fmt::Write as _;

use csc_bridge_core::source::Scan;

use crate::{Dialect, SET, name};

/// The statement for a scan over the [`SET`].
///
/// A path is walked from the child inwards, one common table expression for each join: `s1` pairs a child's number with the keys
/// by which the last table of the path is reached, and so on, each pair once. The last step joins the scanned table. Each step
/// is one equality, which a database answers by an index on [`Dialect::key`] or by one hash or sort of the table, never by a
/// loop in a loop; and since pairs are distinct, a row that reaches one child by two partners is delivered once.
///
/// What is no key (null, blank, or a placeholder such as `-1`) joins nothing, at any step: beside each equality stands a
/// condition on its outer side, which by the equality holds for its inner side, too, and leaves that side's index in use.
pub fn scan_sql(dialect: &dyn Dialect, scan: &Scan) -> String {
    let column = |name: &str| dialect.quote(name);
    let joins = &scan.path_to_child.joins;
    let no_key: Vec<&str> = scan.path_to_child.no_key.iter().map(|text| name::trimmed(text)).collect();
    let no_key: Vec<String> = no_key.iter().filter(|text| !text.is_empty()).map(|text| dialect.literal(text)).collect();
    let is_key = |key: &str| match no_key.is_empty() {
        true => dialect.has_key(key),
        false => format!("{} AND {key} NOT IN ({})", dialect.has_key(key), no_key.join(", ")),
    };

    // An unqualified table that was called as a step would be taken for the step.
    let is_taken = |steps: &str| {
        let mut tables = joins.iter().map(|join| &join.table).chain([&scan.table]);
        tables
            .any(|table| table.table.to_lowercase().strip_prefix(steps).is_some_and(|rest| rest.parse::<u32>().is_ok()))
    };
    let mut steps = "s".to_owned();
    while is_taken(&steps) {
        steps.push('_');
    }

    let (mut sql, set) = match dialect.set_query() {
        Some(query) => (format!("WITH {steps}0 AS ({query})"), format!("{steps}0")),
        None => (String::new(), dialect.temporary(SET)),
    };

    // What the step before offers: its table, the column to compare with.
    let (mut from, mut key) = (set, "id".to_owned());
    for (at, join) in joins.iter().enumerate().rev() {
        // Outwards of this table: the next join's column, or the child's id at the end of the path.
        let outwards = joins.get(at + 1).map_or(&scan.path_to_child.child, |next| &next.column);
        let step = format!("{steps}{}", joins.len() - at);
        let _ = write!(
            sql,
            "{}{step} AS {}(SELECT DISTINCT c.nr, {} AS k FROM {} e JOIN {from} c ON c.{key} = {} AND {})",
            if sql.is_empty() { "WITH " } else { ", " },
            dialect.materialized(),
            dialect.key(&format!("e.{}", column(&join.key))),
            dialect.table(&join.table),
            dialect.key(&format!("e.{}", column(outwards))),
            is_key(&format!("c.{key}")),
        );
        (from, key) = (step, "k".to_owned());
    }

    let inwards = joins.first().map_or(&scan.path_to_child.child, |first| &first.column);
    let _ = write!(sql, "{}SELECT c.nr AS child", if sql.is_empty() { "" } else { " " });
    for name in &scan.columns {
        let _ = write!(sql, ", t.{}", column(name));
    }
    let _ = write!(
        sql,
        " FROM {} t JOIN {from} c ON c.{key} = {} AND {}",
        dialect.table(&scan.table),
        dialect.key(&format!("t.{}", column(inwards))),
        is_key(&format!("c.{key}")),
    );
    sql
}
