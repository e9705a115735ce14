//! Are the golden fixtures able to see a wrong rule? Every field and every block of the definition is spoilt in every way that a
//! slip could spoil it, one at a time, and some fixture must turn red. What none can see is listed in [`UNSEEN`] with its reason.

use std::collections::BTreeMap;

use csc_bridge_core::config::load_definition;
use csc_bridge_core::payload::Plan;
use csc_bridge_core::payload::day::Day;
use csc_bridge_core::payload::definition::{ColumnType, Definition, FieldType};
use csc_bridge_core::payload::plan::{BlockPlan, CodesPlan, FieldPlan, Rule, Window};
use jiff::ToSpan;

use crate::fixture::{self, Fixture};

/// What no fixture can see, and why.
const UNSEEN: &[(&str, &str)] = &[
    ("length + 1 child_details.disabilities", "there are 12 codes beside NONE, so 13 can never stand side by side"),
    (
        "filter dropped social_care_episodes[].care_worker_details[] lookup 0",
        "of two rows for one professional the pick prefers the one with a registration number anyway; the rule says so plainly",
    ),
    ("removed cohort: looked_after_referral", LOOKED_AFTER_REFERRAL),
    ("start later cohort: looked_after_referral", LOOKED_AFTER_REFERRAL),
    ("start earlier cohort: looked_after_referral", LOOKED_AFTER_REFERRAL),
    ("end later cohort: looked_after_referral", LOOKED_AFTER_REFERRAL),
    ("end earlier cohort: looked_after_referral", LOOKED_AFTER_REFERRAL),
];

const LOOKED_AFTER_REFERRAL: &str = "a care episode whose referral overlaps the window: the referral alone admits the child \
     (cohort fact sheet, 4: \"nearly always inside ActiveReferral\")";

/// One way to spoil the definition.
struct Mutant {
    /// Row and column of the table printed.
    place: String,
    kind: &'static str,
    spoil: Spoil,
}

/// Either the text of the rules is spoilt, or the rules resolved for a run.
enum Spoil {
    Definition(Box<dyn Fn(&mut Definition)>),
    Plan(Box<dyn Fn(&mut Plan)>),
}

#[tokio::test]
async fn every_spoilt_rule_turns_some_fixture_red() {
    let definition = load_definition("dfe-csc-0.9", std::path::Path::new(".")).expect("the definition");
    let fixtures = fixture::all().await;
    let plans: Vec<Plan> = fixtures.iter().map(Fixture::plan).collect();
    let mut table: BTreeMap<String, BTreeMap<&'static str, &'static str>> = BTreeMap::new();
    let mut unseen = Vec::new();
    let mut count = 0;
    let mut order: Vec<usize> = (0..fixtures.len()).collect();
    for mutant in mutants(&definition, &plans[0]) {
        count += 1;
        let mut killer = None;
        for (at, fixture) in order.iter().enumerate() {
            if turns_red(&mutant, &fixtures[*fixture], &plans[*fixture]).await {
                killer = Some(at);
                break;
            }
        }
        // Neighbouring rules are seen by the same fixture: try it first next time.
        if let Some(killer) = killer {
            order[..=killer].rotate_right(1);
        }
        if killer.is_none() {
            unseen.push(format!("{} {}", mutant.kind, mutant.place));
        }
        let cell = table.entry(mutant.place).or_default().entry(mutant.kind).or_insert("red");
        if killer.is_none() {
            *cell = "unseen";
        }
    }
    print_table(&table);
    println!("{count} mutants, {} unseen", unseen.len());
    for (mutant, why) in UNSEEN {
        println!("  unseen: {mutant}: {why}");
    }
    let excused: Vec<&str> = UNSEEN.iter().map(|(mutant, _)| *mutant).collect();
    let unexcused: Vec<&String> = unseen.iter().filter(|mutant| !excused.contains(&mutant.as_str())).collect();
    let seen_after_all: Vec<&&str> =
        excused.iter().filter(|mutant| !unseen.iter().any(|unseen| unseen == *mutant)).collect();
    assert!(unexcused.is_empty(), "no fixture sees: {unexcused:#?}");
    assert!(seen_after_all.is_empty(), "a fixture sees these after all, take them off the list: {seen_after_all:#?}");
}

async fn turns_red(mutant: &Mutant, fixture: &Fixture, plan: &Plan) -> bool {
    match &mutant.spoil {
        Spoil::Plan(spoil) => {
            let mut plan = plan.clone();
            spoil(&mut plan);
            fixture.outcome(&plan) != fixture.expected
        }
        Spoil::Definition(spoil) => {
            let mut definition = fixture.config.definition.clone();
            spoil(&mut definition);
            let config = &fixture.config;
            let plan = Plan::new(&definition, &config.profile, &config.names, &config.payload, fixture.run_date);
            fixture.outcome_read_again(&plan.expect("a spoilt definition still resolves")).await != fixture.expected
        }
    }
}

fn mutants(definition: &Definition, plan: &Plan) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (block, entry) in definition.blocks.iter().enumerate() {
        for (field, kind) in entry.fields.iter().enumerate().map(|(at, field)| (at, field.kind)) {
            let key = &entry.fields[field].key;
            let place = if entry.path.is_empty() { key.clone() } else { format!("{}.{key}", entry.path) };
            field_mutants(definition, block, field, kind, place, &mut mutants);
        }
    }
    for path in definition.blocks.iter().map(|block| block.path.clone()) {
        block_mutants(plan, &path, &mut mutants);
    }
    cohort_mutants(plan, &mut mutants);
    mutants
}

fn field_mutants(
    definition: &Definition,
    block: usize,
    field: usize,
    kind: FieldType,
    place: String,
    all: &mut Vec<Mutant>,
) {
    let original = &definition.blocks[block].fields[field];
    let mut add = |name: &'static str, spoil: Box<dyn Fn(&mut Definition)>| {
        all.push(Mutant { place: place.clone(), kind: name, spoil: Spoil::Definition(spoil) });
    };
    add("removed", Box::new(move |definition| drop(definition.blocks[block].fields.remove(field))));
    if let Some(other) = other_column(definition, block, &original.column) {
        add("other column", Box::new(move |definition| definition.blocks[block].fields[field].column = other.clone()));
    }
    // Ids and text are only trimmed, lists and flags of a found row have no plain text to fall back to.
    let as_text = |definition: &mut Definition, block: usize, field: usize| {
        let (table, column) = column_of(definition, block, &definition.blocks[block].fields[field].column);
        let field = &mut definition.blocks[block].fields[field];
        (field.kind, field.codes, field.fallback) = (FieldType::Text, None, None);
        if let Some(kind) = definition.tables.get_mut(&table).and_then(|table| table.columns.get_mut(&column)) {
            *kind = if *kind == ColumnType::Date { ColumnType::Text } else { *kind };
        }
    };
    match kind {
        FieldType::Id | FieldType::Text | FieldType::CodeList | FieldType::Factors | FieldType::Found => {}
        FieldType::ReferralSource => {
            add(
                "coercion dropped",
                Box::new(move |definition| definition.blocks[block].fields[field].kind = FieldType::Code),
            );
        }
        _ => add("coercion dropped", Box::new(move |definition| as_text(definition, block, field))),
    }
    if original.max.is_some() || original.length.is_some() || original.range.is_some() || original.max_items.is_some() {
        add(
            "length + 1",
            Box::new(move |definition| {
                let field = &mut definition.blocks[block].fields[field];
                field.max = field.max.map(|max| max + 1);
                field.length = field.length.map(|length| length + 1);
                field.max_items = field.max_items.map(|most| most + 1);
                field.range = field.range.map(|[low, high]| [low, high + 1]);
            }),
        );
    }
    if original.codes.is_some() {
        let path = place.clone();
        let widen = move |plan: &mut Plan| {
            let mut widest: CodesPlan = plan.codes[0].clone();
            widest.anything = true;
            plan.codes.push(widest);
            let anything = plan.codes.len() - 1;
            each_block(&mut plan.root, &mut |block| {
                for field in block.fields.iter_mut().filter(|field: &&mut FieldPlan| field.path == path) {
                    field.codes = Some(anything);
                }
            });
        };
        all.push(Mutant { place, kind: "codes widened", spoil: Spoil::Plan(Box::new(widen)) });
    }
}

/// Table and column of a field's reference.
fn column_of(definition: &Definition, block: usize, reference: &str) -> (String, String) {
    let entry = &definition.blocks[block];
    match reference.split_once('.') {
        None => (entry.table.clone().unwrap_or_else(|| definition.cohort.table.clone()), reference.to_owned()),
        Some((name, column)) => {
            let lookup = entry.lookups.iter().find(|lookup| lookup.name == name).map(|lookup| lookup.table.clone());
            let brought = ["first", "last"].contains(&name).then(|| "ssd_cla_episodes".to_owned());
            (lookup.or(brought).unwrap_or_else(|| name.to_owned()), column.to_owned())
        }
    }
}

/// Another column of the same table, of the same type where there is one.
fn other_column(definition: &Definition, block: usize, reference: &str) -> Option<String> {
    let (table, column) = column_of(definition, block, reference);
    let columns = &definition.tables.get(&table)?.columns;
    let kind = columns.get(&column)?;
    let same = columns.iter().find(|(name, other)| **name != column && *other == kind);
    let (other, _) = same.or_else(|| columns.iter().find(|(name, _)| **name != column))?;
    Some(match reference.split_once('.') {
        None => other.clone(),
        Some((prefix, _)) => format!("{prefix}.{other}"),
    })
}

fn block_mutants(plan: &Plan, path: &str, all: &mut Vec<Mutant>) {
    let mut plan = plan.clone();
    let mut found = None;
    each_block(&mut plan.root, &mut |block| {
        if block.path == path {
            found = Some(block.clone());
        }
    });
    let block = found.expect("the block");
    let name = if path.is_empty() { "(the child)".to_owned() } else { path.to_owned() };
    let mut add = |kind: &'static str, place: String, spoil: Box<dyn Fn(&mut BlockPlan)>| {
        let path = path.to_owned();
        let spoil = move |plan: &mut Plan| {
            each_block(&mut plan.root, &mut |block| {
                if block.path == path {
                    spoil(block);
                }
            });
        };
        all.push(Mutant { place, kind, spoil: Spoil::Plan(Box::new(spoil)) });
    };
    for rule in 0..block.rows.len() {
        add("filter dropped", name.clone(), Box::new(move |block| drop(block.rows.remove(rule))));
        for shift in shifts(&block.rows[rule]) {
            let (kind, place) = (shift.name(), name.clone());
            add(kind, place, Box::new(move |block| shift.apply(&mut block.rows[rule])));
        }
    }
    for (at, lookup) in block.lookups.iter().enumerate() {
        let name = format!("{name} lookup {at}");
        for rule in 0..lookup.rows.len() {
            add("filter dropped", name.clone(), Box::new(move |block| drop(block.lookups[at].rows.remove(rule))));
            for shift in shifts(&lookup.rows[rule]) {
                add(shift.name(), name.clone(), Box::new(move |block| shift.apply(&mut block.lookups[at].rows[rule])));
            }
        }
        if !lookup.latest.is_empty() || lookup.open_first.is_some() {
            let forget = move |block: &mut BlockPlan| {
                block.lookups[at].latest.clear();
                block.lookups[at].open_first = None;
            };
            add("order reversed", name.clone(), Box::new(forget));
        }
    }
    for key in 0..block.order.len() {
        add("order reversed", name.clone(), Box::new(move |block| block.order[key].descending ^= true));
    }
    if !block.latest.is_empty() {
        add("order reversed", name.clone(), Box::new(|block| block.latest.clear()));
    }
    if block.latest.len() > 1 {
        add("order reversed", name.clone(), Box::new(|block| block.latest.reverse()));
    }
    if block.drop_empty {
        add("filter dropped", name, Box::new(|block| block.drop_empty = false));
    }
}

fn cohort_mutants(plan: &Plan, all: &mut Vec<Mutant>) {
    let mut add = |kind, place: &str, spoil: Box<dyn Fn(&mut Plan)>| {
        all.push(Mutant { place: place.to_owned(), kind, spoil: Spoil::Plan(spoil) });
    };
    for (at, set) in plan.include.iter().enumerate() {
        let name = format!("cohort: {}", set.name);
        add("removed", &name, Box::new(move |plan| drop(plan.include.remove(at))));
        for rule in 0..set.rows.len() {
            add("filter dropped", &name, Box::new(move |plan| drop(plan.include[at].rows.remove(rule))));
            for shift in shifts(&set.rows[rule]) {
                add(shift.name(), &name, Box::new(move |plan| shift.apply(&mut plan.include[at].rows[rule])));
            }
        }
    }
    add("length + 1", "cohort: age", Box::new(|plan| plan.people.under_age += 1));
    add(
        "start later",
        "cohort: age",
        Box::new(|plan| plan.dates.start = plan.dates.start.checked_add(1.day()).expect("a day")),
    );
    add(
        "start earlier",
        "cohort: age",
        Box::new(|plan| plan.dates.start = plan.dates.start.checked_sub(1.day()).expect("a day")),
    );
    add("end later", "cohort: due", Box::new(|plan| plan.people.due_until = moved(plan.people.due_until, 1)));
    add("end earlier", "cohort: due", Box::new(|plan| plan.people.due_until = moved(plan.people.due_until, -1)));
}

/// A bound moved by a day.
#[derive(Clone, Copy)]
enum Shift {
    Start(i32),
    End(i32),
}

impl Shift {
    fn name(self) -> &'static str {
        match self {
            Shift::Start(1) => "start later",
            Shift::Start(_) => "start earlier",
            Shift::End(1) => "end later",
            Shift::End(_) => "end earlier",
        }
    }

    fn apply(self, rule: &mut Rule) {
        match rule {
            Rule::Overlaps { window, .. } | Rule::InWindow { window, .. } | Rule::OpenOrEndsInWindow { window, .. } => {
                self.window(window);
            }
            Rule::OnCensusDate { days, .. } => {
                let by = match self {
                    Shift::Start(by) | Shift::End(by) => by,
                };
                days.iter_mut().for_each(|day| *day = moved(*day, by));
            }
            Rule::Any(rules) => rules.iter_mut().for_each(|rule| self.apply(rule)),
            Rule::Exists { rows, .. } => rows.iter_mut().for_each(|rule| self.apply(rule)),
            Rule::Present(_) | Rule::Absent(_) | Rule::OfChild(_) | Rule::Equals { .. } | Rule::Contains { .. } => {}
        }
    }

    fn window(self, window: &mut Window) {
        match self {
            Shift::Start(by) => window.from = moved(window.from, by),
            Shift::End(by) => window.to = moved(window.to, by),
        }
    }
}

/// The shifts that mean something for a rule.
fn shifts(rule: &Rule) -> Vec<Shift> {
    let both = [Shift::Start(1), Shift::Start(-1), Shift::End(1), Shift::End(-1)];
    match rule {
        Rule::Overlaps { .. } | Rule::InWindow { .. } => both.to_vec(),
        Rule::OpenOrEndsInWindow { .. } | Rule::OnCensusDate { .. } => both[..2].to_vec(),
        Rule::Any(rules) | Rule::Exists { rows: rules, .. } => {
            rules.iter().map(shifts).max_by_key(Vec::len).unwrap_or_default()
        }
        Rule::Present(_) | Rule::Absent(_) | Rule::OfChild(_) | Rule::Equals { .. } | Rule::Contains { .. } => {
            Vec::new()
        }
    }
}

fn moved(day: Day, by: i32) -> Day {
    let date = day.to_date().expect("a date");
    Day::from(date.checked_add(by.days()).expect("a day"))
}

fn each_block(block: &mut BlockPlan, visit: &mut dyn FnMut(&mut BlockPlan)) {
    visit(block);
    for inner in &mut block.blocks {
        each_block(inner, visit);
    }
}

fn print_table(table: &BTreeMap<String, BTreeMap<&'static str, &'static str>>) {
    let columns = [
        "removed",
        "other column",
        "coercion dropped",
        "length + 1",
        "codes widened",
        "filter dropped",
        "start later",
        "start earlier",
        "end later",
        "end earlier",
        "order reversed",
    ];
    let widest = table.keys().map(String::len).max().unwrap_or(0);
    println!("{:widest$}  {}", "", columns.join("  "));
    for (place, cells) in table {
        let row: Vec<String> = columns
            .iter()
            .map(|column| format!("{:^width$}", cells.get(column).copied().unwrap_or("-"), width = column.len()))
            .collect();
        println!("{place:widest$}  {}", row.join("  "));
    }
}
