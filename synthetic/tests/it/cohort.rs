//! The cohort itself: the same every time, of a believable size and shape.

use std::collections::{HashMap, HashSet};

use crate::memory::{Database, text};
use crate::{RUN_DATE, standard};

#[tokio::test]
async fn the_same_options_make_the_same_cohort() {
    let (one, report) = standard(300, 7, 0.2).await;
    let (two, again) = standard(300, 7, 0.2).await;
    assert_eq!(one.tables, two.tables);
    assert_eq!(report, again);
    assert_eq!(one.commits, 1);
    let (other, _) = standard(300, 8, 0.2).await;
    assert_ne!(one.tables, other.tables);
}

#[tokio::test]
async fn a_small_cohort_is_the_beginning_of_a_large_one() {
    let (small, _) = standard(2_100, 3, 0.1).await;
    let (large, _) = standard(4_300, 3, 0.1).await;
    for (table, rows) in &small.tables {
        // Blocks are written table by table, so a table's rows stand in the order of the children.
        assert!(large.rows(table).starts_with(rows), "{table} differs");
    }
}

#[tokio::test]
async fn being_awkward_changes_nothing_about_the_others() {
    let (clean, _) = standard(200, 5, 0.0).await;
    let (bent, report) = standard(200, 5, 0.1).await;
    let people =
        |database: &Database| database.rows("ssd_person").iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
    let same = people(&clean).iter().zip(people(&bent)).filter(|(one, two)| *one == two).count();
    assert!(report.awkward > 5 && same >= 200 - report.awkward, "{same} of 200 are the same");
}

#[tokio::test]
async fn five_hundred_children_fill_all_nineteen_tables() {
    for seed in 0..5 {
        let (database, report) = standard(500, seed, 0.02).await;
        assert_eq!(report.rows.len(), 19);
        for (table, rows) in &report.rows {
            assert!(*rows > 0, "{table} is empty with seed {seed}");
            assert_eq!(*rows as usize, database.rows(table).len());
        }
    }
}

#[tokio::test]
async fn children_have_about_two_episodes_and_sixty_rows_with_a_long_tail() {
    let (database, _) = standard(3_000, 1, 0.0).await;
    let per_child = rows_per_child(&database);
    let mut rows: Vec<usize> = per_child.values().copied().collect();
    rows.sort_unstable();
    let median = rows[rows.len() / 2];
    let mean = rows.iter().sum::<usize>() / rows.len();
    assert!((50..=70).contains(&median), "median {median}, mean {mean}");
    assert!((55..=85).contains(&mean), "median {median}, mean {mean}");
    println!("rows a child: median {median}, mean {mean}, longest {:?}", rows.last());
    assert!(rows.iter().filter(|rows| **rows >= 300).count() >= 5, "longest {:?}", rows.last());
    let mut episodes: HashMap<String, usize> = HashMap::new();
    database
        .texts("ssd_cin_episodes", "cine_person_id")
        .into_iter()
        .for_each(|child| *episodes.entry(child).or_default() += 1);
    let mut counts: Vec<usize> = episodes.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts[counts.len() / 2], 2);
}

/// Rows of each child over all tables, workers apart.
fn rows_per_child(database: &Database) -> HashMap<String, usize> {
    let mut owner: HashMap<(&str, String), String> = HashMap::new();
    let mut per_child: HashMap<String, usize> = HashMap::new();
    let tables = [
        ("ssd_person", "pers_person_id", "", ""),
        ("ssd_linked_identifiers", "link_person_id", "", ""),
        ("ssd_address", "addr_person_id", "", ""),
        ("ssd_disability", "disa_person_id", "", ""),
        ("ssd_immigration_status", "immi_person_id", "", ""),
        ("ssd_sdq_scores", "csdq_person_id", "", ""),
        ("ssd_care_leavers", "clea_person_id", "", ""),
        ("ssd_permanence", "perm_person_id", "", ""),
        ("ssd_cin_episodes", "cine_person_id", "referral", "cine_referral_id"),
        ("ssd_cin_assessments", "cina_referral_id", "assessment", "cina_assessment_id"),
        ("ssd_assessment_factors", "cinf_assessment_id", "", ""),
        ("ssd_cin_plans", "cinp_person_id", "", ""),
        ("ssd_s47_enquiry", "s47e_referral_id", "enquiry", "s47e_s47_enquiry_id"),
        ("ssd_initial_cp_conference", "icpc_s47_enquiry_id", "", ""),
        ("ssd_cp_plans", "cppl_person_id", "", ""),
        ("ssd_cla_episodes", "clae_person_id", "period", "clae_cla_id"),
        ("ssd_cla_placement", "clap_cla_id", "", ""),
        ("ssd_involvements", "invo_referral_id", "", ""),
    ];
    for (table, column, kind, id) in tables {
        let from = match column {
            "cina_referral_id" | "s47e_referral_id" | "invo_referral_id" => "referral",
            "cinf_assessment_id" => "assessment",
            "icpc_s47_enquiry_id" => "enquiry",
            "clap_cla_id" => "period",
            _ => "",
        };
        for row in database.rows(table) {
            let reference = text(row.get(column)).unwrap();
            let child = if from.is_empty() { reference } else { owner[&(from, reference)].clone() };
            *per_child.entry(child.clone()).or_default() += 1;
            if !kind.is_empty() {
                owner.insert((kind, text(row.get(id)).unwrap()), child);
            }
        }
    }
    per_child
}

#[tokio::test]
async fn five_to_eight_in_a_hundred_are_not_in_the_cohort() {
    let (database, _) = standard(4_000, 9, 0.0).await;
    let today = (RUN_DATE - jiff::civil::date(1970, 1, 1)).get_days();
    let start = (jiff::civil::date(2024, 4, 1) - jiff::civil::date(1970, 1, 1)).get_days();
    let active: HashSet<String> = database
        .rows("ssd_cin_episodes")
        .iter()
        .filter(|row| Database::day(row, "cine_close_date").unwrap_or(today) >= start)
        .filter_map(|row| text(row.get("cine_person_id")))
        .collect();
    let out = database.rows("ssd_person").iter().filter(|row| {
        let born = Database::day(row, "pers_dob").or(Database::day(row, "pers_expected_dob")).unwrap();
        born + 26 * 365 + 6 < start || !active.contains(&text(row.get("pers_person_id")).unwrap())
    });
    let share = out.count() as f64 / 4_000.0;
    assert!((0.05..=0.08).contains(&share), "{share}");
}
