//! The codes a child's record is written with, each with how common it is. The payload definition says which are valid; a
//! test holds these lists against it.

/// Sex.
pub const SEX: &[(&str, u32)] = &[("M", 51), ("F", 47), ("U", 2)];

/// Ethnicity.
pub const ETHNICITY: &[(&str, u32)] = &[
    ("WBRI", 560),
    ("WIRI", 5),
    ("WOTH", 60),
    ("WIRT", 4),
    ("WROM", 7),
    ("MWBC", 35),
    ("MWBA", 15),
    ("MWAS", 18),
    ("MOTH", 32),
    ("AIND", 15),
    ("APKN", 40),
    ("ABAN", 20),
    ("CHNE", 4),
    ("AOTH", 25),
    ("BCRB", 25),
    ("BAFR", 50),
    ("BOTH", 20),
    ("OOTH", 30),
    ("REFU", 5),
    ("NOBT", 30),
];

/// Disabilities, without `NONE`.
pub const DISABILITY: &[(&str, u32)] = &[
    ("MOB", 10),
    ("HAND", 4),
    ("PC", 8),
    ("INC", 6),
    ("COMM", 18),
    ("LD", 25),
    ("HEAR", 6),
    ("VIS", 5),
    ("BEH", 22),
    ("CON", 5),
    ("AUT", 30),
    ("DDA", 9),
];

/// Why there is no unique pupil number.
pub const UPN_UNKNOWN: &[(&str, u32)] =
    &[("UN1", 60), ("UN2", 8), ("UN3", 10), ("UN4", 12), ("UN5", 6), ("UN7", 2), ("UN10", 2)];

/// Who referred.
pub const REFERRAL_SOURCE: &[(&str, u32)] = &[
    ("1A", 6),
    ("1B", 4),
    ("1C", 2),
    ("1D", 3),
    ("2A", 20),
    ("2B", 3),
    ("3A", 5),
    ("3B", 5),
    ("3C", 2),
    ("3D", 3),
    ("3E", 4),
    ("3F", 3),
    ("4", 3),
    ("5A", 3),
    ("5B", 8),
    ("5C", 3),
    ("5D", 2),
    ("6", 30),
    ("7", 3),
    ("8", 5),
    ("9", 4),
    ("10", 4),
];

/// Why an episode was closed.
pub const CLOSURE: &[(&str, u32)] =
    &[("RC1", 2), ("RC2", 1), ("RC3", 3), ("RC4", 6), ("RC5", 5), ("RC6", 4), ("RC7", 45), ("RC8", 30), ("RC9", 10)];

/// Assessment factors.
pub const FACTORS: &[&str] = &[
    "1A", "1B", "1C", "2A", "2B", "2C", "3A", "3B", "3C", "4A", "4B", "4C", "5A", "5B", "5C", "6A", "6B", "6C", "7A",
    "8B", "8C", "8D", "8E", "8F", "9A", "10A", "11A", "12A", "13A", "14A", "15A", "16A", "17A", "18B", "18C", "19B",
    "19C", "20", "22A", "23A", "24A",
];

/// The factor that stands alone: none found.
pub const NO_FACTORS: &str = "21";

/// Where a looked-after child lives.
pub const PLACEMENT_TYPE: &[(&str, u32)] = &[
    ("U1", 12),
    ("U2", 3),
    ("U3", 5),
    ("U4", 28),
    ("U5", 4),
    ("U6", 16),
    ("K1", 2),
    ("K2", 14),
    ("K3", 1),
    ("P1", 8),
    ("P3", 1),
    ("R1", 1),
    ("R2", 1),
    ("R3", 1),
    ("R5", 1),
    ("S1", 1),
    ("T0", 1),
    ("T4", 1),
    ("Z1", 1),
    ("Z11", 1),
    ("H5", 4),
    ("P2", 3),
];

/// Where a child lives who is placed for adoption.
pub const ADOPTIVE_PLACEMENT: &[&str] = &["A3", "A4", "A5", "A6"];

/// Why a placement changed.
pub const PLACEMENT_CHANGE: &[(&str, u32)] = &[
    ("CARPL", 40),
    ("CLOSE", 4),
    ("ALLEG", 2),
    ("STAND", 2),
    ("APPRR", 1),
    ("CREQB", 14),
    ("CREQO", 10),
    ("CHILD", 8),
    ("LAREQ", 6),
    ("PLACE", 4),
    ("CUSTOD", 2),
    ("OTHER", 7),
];

/// Why a care episode began, when it is not the first: change of placement, of status, of both, of carer.
pub const CARE_CONTINUES: &[(&str, u32)] = &[("P", 80), ("B", 8), ("T", 6), ("U", 6)];

/// Why care ended, other than by adoption.
pub const CARE_ENDED: &[(&str, u32)] = &[
    ("E4A", 20),
    ("E4B", 8),
    ("E13", 6),
    ("E41", 4),
    ("E45", 6),
    ("E46", 3),
    ("E47", 2),
    ("E48", 2),
    ("E2", 1),
    ("E3", 2),
    ("E5", 8),
    ("E6", 3),
    ("E7", 4),
    ("E8", 10),
    ("E9", 1),
    ("E14", 1),
    ("E15", 2),
    ("E16", 1),
    ("E17", 1),
];

/// What a care leaver does.
pub const ACTIVITY: &[(&str, u32)] = &[
    ("F1", 6),
    ("P1", 1),
    ("F2", 25),
    ("P2", 5),
    ("F4", 4),
    ("P4", 2),
    ("F5", 18),
    ("P5", 5),
    ("G4", 12),
    ("G5", 18),
    ("G6", 4),
];

/// Where a care leaver lives.
pub const ACCOMMODATION: &[(&str, u32)] = &[
    ("B", 10),
    ("C", 2),
    ("D", 4),
    ("E", 4),
    ("G", 2),
    ("H", 2),
    ("K", 8),
    ("R", 4),
    ("S", 2),
    ("T", 8),
    ("U", 30),
    ("V", 3),
    ("W", 3),
    ("X", 4),
    ("Y", 4),
    ("Z", 10),
];
