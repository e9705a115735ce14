//! Record ids such as a CMS makes: mostly digits, some with letters, unique in their table across every cohort.

use crate::chance::{hash, mix};

/// What an id identifies. The ids of one kind stand in several tables and are the same there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A person.
    Person,
    /// A referral, which is an episode of need.
    Referral,
    /// A child and family assessment.
    Assessment,
    /// A child in need plan.
    CinPlan,
    /// A section 47 enquiry.
    Section47,
    /// A child protection plan.
    CpPlan,
    /// A care period.
    CarePeriod,
    /// A care episode.
    CareEpisode,
    /// A placement.
    Placement,
    /// A worker.
    Professional,
}

impl Record {
    /// All of them; a record's place here is `record as usize`.
    pub const ALL: [Record; 10] = [
        Record::Person,
        Record::Referral,
        Record::Assessment,
        Record::CinPlan,
        Record::Section47,
        Record::CpPlan,
        Record::CarePeriod,
        Record::CareEpisode,
        Record::Placement,
        Record::Professional,
    ];

    /// The SSD columns that hold ids of this kind.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Record::Person => &[
                "pers_person_id",
                "link_person_id",
                "addr_person_id",
                "disa_person_id",
                "immi_person_id",
                "csdq_person_id",
                "cine_person_id",
                "cinp_person_id",
                "cppl_person_id",
                "clae_person_id",
                "perm_person_id",
                "clea_person_id",
            ],
            Record::Referral => &[
                "cine_referral_id",
                "cina_referral_id",
                "cinp_referral_id",
                "s47e_referral_id",
                "cppl_referral_id",
                "clae_referral_id",
                "invo_referral_id",
            ],
            Record::Assessment => &["cina_assessment_id", "cinf_assessment_id"],
            Record::CinPlan => &["cinp_cin_plan_id"],
            Record::Section47 => &["s47e_s47_enquiry_id", "icpc_s47_enquiry_id"],
            Record::CpPlan => &["cppl_cp_plan_id"],
            Record::CarePeriod => &["clae_cla_id", "clap_cla_id", "perm_cla_id"],
            Record::CareEpisode => &["clae_cla_episode_id"],
            Record::Placement => &["clap_cla_placement_id", "clae_cla_placement_id"],
            Record::Professional => &["invo_professional_id", "prof_professional_id"],
        }
    }

    /// How many ids one child may use, and the number below the first: the two keep children apart.
    fn room(self) -> (u64, u64) {
        match self {
            Record::Person => (1, 1_000_000),
            Record::Referral | Record::CarePeriod | Record::Section47 => (64, 200_000),
            Record::CpPlan => (64, 30_000),
            Record::Professional => (1, 5_000),
            Record::Assessment | Record::CinPlan | Record::CareEpisode | Record::Placement => (512, 4_000_000),
        }
    }

    fn letter(self) -> char {
        match self {
            Record::Person => 'P',
            Record::Referral => 'R',
            Record::Assessment => 'A',
            Record::CinPlan => 'N',
            Record::Section47 => 'S',
            Record::CpPlan => 'K',
            Record::CarePeriod => 'L',
            Record::CareEpisode => 'E',
            Record::Placement => 'H',
            Record::Professional => 'W',
        }
    }
}

/// Which kinds of id the database keeps as whole numbers somewhere, so that they must be digits everywhere.
pub type Numeric = [bool; Record::ALL.len()];

/// Hands out one child's ids.
pub struct Ids {
    child: u64,
    used: [u64; Record::ALL.len()],
    numeric: Numeric,
    /// For rows added to a child that exists: ids far from the generator's own, by this hash.
    added: Option<u64>,
}

impl Ids {
    /// The ids of child number `child`.
    pub fn of_child(child: u64, numeric: Numeric) -> Ids {
        Ids { child, used: [0; Record::ALL.len()], numeric, added: None }
    }

    /// Ids for rows added to a child that exists. `before` stands for the rows it has, so that a second visit with
    /// the same seed makes other ids.
    pub fn added_to(id: &str, seed: u64, before: u64, numeric: Numeric) -> Ids {
        Ids { child: 0, used: [0; Record::ALL.len()], numeric, added: Some(mix(&[hash(seed, id), before])) }
    }

    /// The next id of a kind.
    pub fn next(&mut self, record: Record) -> String {
        let used = &mut self.used[record as usize];
        let k = *used;
        *used += 1;
        let numeric = self.numeric[record as usize];
        let number = match (self.added, numeric) {
            // A database's whole numbers may have 31 bits.
            (Some(hash), true) => 1_000_000_000 + mix(&[hash, record as u64, k]) % 1_147_000_000,
            (Some(hash), false) => 1_000_000_000_000 + mix(&[hash, record as u64, k]) % 9_000_000_000_000,
            (None, _) => number(record, self.child, k),
        };
        spell(record, number, numeric)
    }

    /// Whether the child may have another id of this kind: beyond, ids would run into the next child's.
    pub fn has_room(&self, record: Record) -> bool {
        self.added.is_some() || self.used[record as usize] < record.room().0
    }
}

/// A worker's id, by the worker's number.
pub fn professional(worker: u64, numeric: Numeric) -> String {
    spell(Record::Professional, number(Record::Professional, worker, 0), numeric[Record::Professional as usize])
}

fn number(record: Record, child: u64, k: u64) -> u64 {
    let (room, base) = record.room();
    base + child * room + k
}

fn spell(record: Record, number: u64, numeric: bool) -> String {
    let letter = record.letter();
    match mix(&[number, record as u64]) % 100 {
        _ if numeric => number.to_string(),
        0..4 => format!("{letter}{number}"),
        4 => format!("{letter}-{number}"),
        5 => format!("{number}_{letter}"),
        6 => format!("{number}{}", letter.to_ascii_lowercase()),
        _ => number.to_string(),
    }
}
