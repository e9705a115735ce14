//! Nights: a cohort is made, staged and sent, changes, and is sent again, with each profile. Prints how many and how fast.
//!
//! 120 children; 20,000 with `CSC_BRIDGE_EFFORT=full`.

use std::time::Instant;

use serde_json::Value;

use super::authority::{Authority, Cms, MOSAIC, SYSTEMC, SYSTEMC_IN_DBO, postgres};
use super::full;
use crate::program::{Dfe, NOBODY, STAGING};

fn children() -> usize {
    if full() { 20_000 } else { 120 }
}

/// How many of a hundred change. A change looks for its rows by their trimmed ids, which no index of SQL Server answers: with 20,000
/// children each change reads tables of a hundred thousand rows.
fn percent() -> &'static str {
    if full() { "2" } else { "20" }
}

/// Runs a command, and prints how long it took and what it says of this.
fn timed(authority: &Authority<'_>, command: &[&str], shown: &str) -> Value {
    let begun = Instant::now();
    let report = authority.place.play(command.iter().chain(&["--json"])).well().json();
    println!(
        "{} {:<40} {:>6.1} s  {}",
        authority.cms.name,
        command.join(" "),
        begun.elapsed().as_secs_f64(),
        report[shown]
    );
    report
}

fn sum(report: &Value, keys: &[&str]) -> u64 {
    keys.iter().map(|key| report["staged"][key].as_u64().expect("a number")).sum()
}

/// The commands one by one, then a night with changes, and a night without.
fn nights(cms: Cms) {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, cms, dfe.addr());
    timed(&authority, &["generate", "--children", &children().to_string()], "rows");
    let staged = timed(&authority, &["stage"], "staged");
    let cohort = staged["staged"]["cohort"].as_u64().expect("a number");
    assert!(cohort as usize > children() * 2 / 3, "{staged}");
    assert_eq!((&staged["staged"]["new"], authority.count("pending")), (&cohort.into(), cohort as i64), "{staged}");
    assert_eq!(dfe.stats().records, 0);
    let sent = timed(&authority, &["submit"], "submitted");
    assert_eq!((&sent["submitted"]["sent"], dfe.children().len() as u64), (&cohort.into(), cohort), "{sent}");
    authority.converged(&dfe);
    authority.is_quiet(&dfe);

    timed(&authority, &["mutate", "--percent", percent()], "changes");
    let plan = timed(&authority, &["plan"], "would_send");
    let second = timed(&authority, &["run"], "staged");
    let changed = sum(&second, &["new", "updated", "returned"]);
    assert!(changed > 5, "{second}");
    assert_eq!(second["submitted"]["sent"], changed, "{second}");
    // A plan writes nothing.
    let mut foreseen = plan["staged"].clone();
    foreseen["written"] = second["staged"]["written"].clone();
    assert_eq!((&foreseen, &plan["staged"]["written"]), (&second["staged"], &0.into()));
    assert_eq!(plan["would_send"]["full"], changed, "{plan}");
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
    println!("{} converged: {} documents, {} requests", cms.name, dfe.children().len(), dfe.stats().requests);
}

#[test]
fn systemc_converges_and_a_quiet_night_sends_nothing() {
    nights(SYSTEMC);
}

#[test]
fn mosaic_converges_and_a_quiet_night_sends_nothing() {
    nights(MOSAIC);
}

#[test]
fn systemc_without_a_schema_converges_and_all_tables_are_in_dbo() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(postgres, SYSTEMC_IN_DBO, dfe.addr(), 60);
    authority.place.play(["run"]).well();
    authority.converged(&dfe);
    let elsewhere =
        "SELECT COUNT(*) FROM pg_class WHERE relname LIKE 'ssd\\_%' AND relnamespace <> 'public'::regnamespace";
    assert_eq!((authority.ssd_tables().len(), authority.number(elsewhere)), (19, 0));
}

#[test]
fn the_staging_table_stands_in_the_schema_of_the_ssd() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, SYSTEMC, NOBODY, 40);
    authority.place.play(["stage"]).well();
    let there = "SELECT COUNT(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'ssd_development'::regnamespace AND relname LIKE 'ssd\\_api\\_%'";
    // The staging table, its twin and two logs.
    assert_eq!(authority.number(there), 4);
}

#[test]
fn generate_makes_tables_and_no_schema() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::on(postgres, postgres.database(), SYSTEMC, NOBODY);
    let ended = authority.place.play(["generate", "--children", "5"]);
    ended.fails(1, &["ssd_development"]);
    assert_eq!(authority.ssd_tables(), [""; 0]);
}

/// What `declared` says of a column: the type as T-SQL has it.
fn declared(authority: &Authority<'_>, table: &str, column: &str) -> String {
    authority.sql(&format!(
        "SELECT mssql.declared(attrelid, attnum) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    ))
}

#[test]
fn generate_gives_columns_the_types_of_the_cms() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, MOSAIC, NOBODY, 40);
    for (table, column, kind) in [
        ("ssd_cin_episodes", "cine_referral_id", "int"),
        ("ssd_s47_enquiry", "s47e_s47_enquiry_id", "int"),
        ("ssd_s47_enquiry", "s47e_referral_id", "int"),
        ("ssd_cin_plans", "cin_plan_id", "nvarchar(200)"),
        ("ssd_cin_plans", "cinp_referral_id", "nvarchar(200)"),
        ("ssd_sdq_scores", "csdq_sdq_score", "nvarchar(1000)"),
        ("ssd_person", "pers_dob", "datetime"),
        ("ssd_assessment_factors", "cinf_assessment_factors_json", "nvarchar(max)"),
    ] {
        assert_eq!(declared(&authority, table, column), kind, "{table}.{column}");
    }
    assert_eq!(authority.tables("ssd_care_leavers"), 0, "the table that Mosaic has not");
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, SYSTEMC, NOBODY, 60);
    authority.place.play(["run", "--dry-run"]).well();
    assert_eq!(authority.tables("ssd_api_%"), 0);
}

/// Children go and come of age, and the policy says that DfE is to forget them at once.
#[test]
fn with_a_policy_of_purging_dfe_holds_nobody_but_the_cohort() {
    let Some(postgres) = postgres() else { return };
    for cms in [SYSTEMC, MOSAIC] {
        let dfe = Dfe::start();
        let authority = Authority::filled(postgres, cms, dfe.addr(), children() / 2);
        authority.place.set("deletions", "gone = \"purge\"\nleft = \"purge\"\ngrace = \"0d\"");
        authority.place.play(["run"]).well();
        // Every twenty-fifth goes, and as many become too old: fewer than the guards stop.
        let chosen = "pers_person_id IN (SELECT person_id FROM ssd_api_data_staging WHERE id % 25 =";
        authority.sql(&format!("DELETE FROM ssd_person WHERE {chosen} 1)"));
        authority
            .sql(&format!("UPDATE ssd_person SET pers_dob = '1980-01-01', pers_expected_dob = NULL WHERE {chosen} 2)"));
        let purged = authority.place.play(["run", "--json"]).well().json();
        println!("{}: {} {}", cms.name, purged["staged"], purged["submitted"]);
        assert!(sum(&purged, &["gone"]) > 1 && sum(&purged, &["left"]) > 1, "{purged}");
        assert_eq!(purged["submitted"]["purged"], sum(&purged, &["gone", "left"]), "{purged}");
        let (wanted, held) = (authority.place.documents(), dfe.children());
        assert_eq!(wanted.keys().collect::<Vec<_>>(), held.keys().collect::<Vec<_>>());
        authority.converged(&dfe);
        authority.is_quiet(&dfe);
        let kept = format!(
            "SELECT COUNT(*) FROM {STAGING} WHERE row_state IN ('deleted', 'left') AND previous_hash IS NOT NULL"
        );
        assert_eq!(authority.number(&kept), 0, "a purged child is believed to be held");
    }
}
