//! One child, from its number to all its rows.

use fastrand::Rng;

use crate::awkward::Awkward;
use crate::chance::mix;
use crate::ids::{Ids, Numeric, Record};
use crate::rows::{Rows, Value};
use crate::story::Story;
use crate::tables::Table;
use crate::{episodes, looked_after, person};

/// Children who share their workers.
pub const TEAM: u64 = 40;
/// Workers of a team.
pub const TEAM_WORKERS: u64 = 6;

/// What all children of a cohort have in common.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The seed of the cohort.
    pub seed: u64,
    /// The run date, as days since 1970-01-01.
    pub today: i32,
    /// The share of children with awkward content.
    pub awkward: f64,
    /// Which ids must be digits.
    pub numeric: Numeric,
}

/// A child while its rows are made.
pub struct Child<'r, 'l> {
    /// Its number in the cohort.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// What is common to all.
    pub setting: Setting,
    /// Its story.
    pub story: Story,
    /// Its chance.
    pub rng: Rng,
    /// Its record ids.
    pub ids: Ids,
    rows: &'r mut Rows<'l>,
    awkward: Option<Awkward>,
}

impl Child<'_, '_> {
    /// Adds a row, bent where the child is awkward.
    pub fn push(&mut self, table: Table, values: &[Value<'_>]) {
        match &mut self.awkward {
            None => self.rows.push(table, values),
            Some(awkward) => awkward.push(table, values, self.rows),
        }
    }

    /// The id of one of the workers who know this child.
    pub fn worker(&mut self) -> String {
        let worker = (self.number / TEAM) * TEAM_WORKERS + self.rng.u64(..TEAM_WORKERS);
        crate::ids::professional(worker, self.setting.numeric)
    }
}

/// Adds all rows of child `number`; returns its id and whether it is awkward. The first child of a team brings its workers.
pub fn add(number: u64, setting: Setting, rows: &mut Rows<'_>) -> (String, bool) {
    if number.is_multiple_of(TEAM) {
        add_workers(number / TEAM, setting, rows);
    }
    let mut rng = Rng::with_seed(mix(&[setting.seed, number]));
    let story = Story::draw(&mut rng, setting.today);
    let mut ids = Ids::of_child(number, setting.numeric);
    let awkward = Awkward::draw(setting, number);
    let id = ids.next(Record::Person);
    let id = match &awkward {
        Some(awkward) if !setting.numeric[Record::Person as usize] => awkward.child_id(id),
        _ => id,
    };
    let is_awkward = awkward.is_some();
    let mut child = Child { number, id, setting, story, rng, ids, rows, awkward };
    person::add(&mut child);
    let episodes = episodes::add(&mut child);
    looked_after::add(&mut child, &episodes);
    (child.id, is_awkward)
}

fn add_workers(team: u64, setting: Setting, rows: &mut Rows<'_>) {
    for k in 0..TEAM_WORKERS {
        let worker = team * TEAM_WORKERS + k;
        let mut rng = Rng::with_seed(mix(&[setting.seed, 0xF1CE, worker]));
        let id = crate::ids::professional(worker, setting.numeric);
        let staff = format!("ST{:05}", worker % 100_000);
        // Not every worker is a registered social worker.
        let registration = (k != 5).then(|| format!("SW{:07}", (worker * 7 + rng.u64(..7)) % 10_000_000));
        rows.push(Table::Professional, &[(&id).into(), (&staff).into(), registration.as_deref().into()]);
    }
}
