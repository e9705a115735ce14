//! A working day.

use std::collections::{BTreeMap, HashSet};

use csc_bridge_core::config::Profile;
use csc_bridge_synthetic::{MutateOptions, MutateReport, Ssd, mutate};

use crate::memory::{Database, Row, text};
use crate::{RUN_DATE, definition, made_for, profile, standard};

async fn day(profile: &Profile, database: &mut Database, percent: f64, seed: u64) -> MutateReport {
    let definition = definition();
    let ssd = Ssd::new(&definition, profile, &profile.schema);
    let mut snapshot = database.clone();
    let options = MutateOptions { percent, seed, run_date: RUN_DATE };
    mutate(&mut snapshot, database, &ssd, &options).await.unwrap()
}

#[tokio::test]
async fn a_day_touches_about_as_many_children_as_asked_in_every_way() {
    let (mut database, _) = standard(2_000, 1, 0.02).await;
    let before = database.clone();
    let report = day(&Profile::default(), &mut database, 50.0, 11).await;
    assert!((950..=1_100).contains(&report.children), "{report:?}");
    for change in [
        "new_referral",
        "new_assessment",
        "new_plan",
        "new_placement",
        "new_score",
        "new_involvement",
        "moved",
        "name",
        "pupil_number",
        "date",
        "code",
        "cleared",
        "reopened",
        "closed",
        "member_removed",
        "removed",
        "added",
    ] {
        assert!(report.changes.contains_key(change), "nothing of kind {change}: {report:?}");
    }
    assert_eq!(database.commits, before.commits + 1);
    assert_eq!(database.rows("ssd_person").len(), 2_000 + report.changes["added"] - report.changes["removed"]);
}

#[tokio::test]
async fn the_same_day_changes_the_same_and_another_day_something_else() {
    let (database, _) = standard(400, 1, 0.02).await;
    let (mut one, mut two, mut other) = (database.clone(), database.clone(), database.clone());
    // The order in which the database lists its rows does not matter.
    two.tables.values_mut().for_each(|rows| rows.reverse());
    assert_eq!(day(&Profile::default(), &mut one, 10.0, 1).await, day(&Profile::default(), &mut two, 10.0, 1).await);
    day(&Profile::default(), &mut other, 10.0, 2).await;
    let sorted = |database: &Database| -> BTreeMap<String, Vec<String>> {
        let print = |rows: &Vec<Row>| {
            let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        };
        database.tables.iter().map(|(table, rows)| (table.clone(), print(rows))).collect()
    };
    assert_eq!(sorted(&one), sorted(&two));
    assert_ne!(sorted(&one), sorted(&other));
}

#[tokio::test]
async fn a_child_who_goes_leaves_no_row_and_takes_no_workers() {
    let (mut database, _) = standard(600, 1, 0.0).await;
    let before: HashSet<String> = database.texts("ssd_person", "pers_person_id").into_iter().collect();
    let workers = database.rows("ssd_professionals").len();
    day(&Profile::default(), &mut database, 100.0, 5).await;
    let after: HashSet<String> = database.texts("ssd_person", "pers_person_id").into_iter().collect();
    let gone: Vec<&String> = before.difference(&after).collect();
    assert!(!gone.is_empty());
    for (table, rows) in &database.tables {
        let person = rows.iter().flat_map(|row| row.iter()).filter(|(column, _)| column.ends_with("_person_id"));
        for (_, cell) in person {
            assert!(
                !text(Some(cell)).is_some_and(|id| gone.contains(&&id)),
                "{table} still has rows of a child who went"
            );
        }
    }
    assert!(database.rows("ssd_professionals").len() >= workers);
    let referrals: HashSet<String> = database.texts("ssd_cin_episodes", "cine_referral_id").into_iter().collect();
    for (table, column) in [
        ("ssd_cin_assessments", "cina_referral_id"),
        ("ssd_involvements", "invo_referral_id"),
        ("ssd_cla_episodes", "clae_referral_id"),
    ] {
        assert!(
            database.texts(table, column).iter().all(|id| referrals.contains(id)),
            "{table} has rows of no referral"
        );
    }
}

#[tokio::test]
async fn the_same_day_twice_makes_no_id_twice() {
    let (mut database, _) = standard(800, 1, 0.0).await;
    for _ in 0..3 {
        day(&Profile::default(), &mut database, 40.0, 9).await;
    }
    for (table, column) in [
        ("ssd_person", "pers_person_id"),
        ("ssd_cin_episodes", "cine_referral_id"),
        ("ssd_cin_assessments", "cina_assessment_id"),
        ("ssd_cin_plans", "cinp_cin_plan_id"),
        ("ssd_cla_placement", "clap_cla_placement_id"),
        ("ssd_professionals", "prof_professional_id"),
    ] {
        let ids = database.texts(table, column);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{column} repeats itself");
    }
}

#[tokio::test]
async fn every_built_in_profile_can_be_changed() {
    for name in ["systemc", "mosaic", "eclipse", "azeus", "sqlite"] {
        let profile = profile(name);
        let (mut database, _) = made_for(&profile, 200, 2, 0.1).await;
        let report = day(&profile, &mut database, 30.0, 4).await;
        assert!(report.children > 40, "{name}: {report:?}");
    }
}

#[tokio::test]
async fn nothing_happens_at_nought_percent() {
    let (mut database, _) = standard(100, 1, 0.02).await;
    let before = database.tables.clone();
    assert_eq!(day(&Profile::default(), &mut database, 0.0, 1).await, MutateReport::default());
    assert_eq!(database.tables, before);
}
