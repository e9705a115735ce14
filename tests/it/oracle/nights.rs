//! Nights: a cohort is made, staged and sent, changes, and is sent again. Prints how many and how fast.
//!
//! 200 children; 20,000 with `CSC_BRIDGE_EFFORT=full`.

use std::time::Instant;

use serde_json::Value;

use super::authority::{Authority, STAGING, postgres};
use super::full;
use crate::program::{Dfe, NOBODY};

fn children() -> usize {
    if full() { 20_000 } else { 200 }
}

/// How many of a hundred change. Each change is a statement of its own.
fn percent() -> &'static str {
    if full() { "2" } else { "20" }
}

/// Runs a command, and prints how long it took and what it says of this.
fn timed(authority: &Authority<'_>, command: &[&str], shown: &str) -> Value {
    let begun = Instant::now();
    let report = authority.place.play(command.iter().chain(&["--json"])).well().json();
    println!("{:<40} {:>6.1} s  {}", command.join(" "), begun.elapsed().as_secs_f64(), report[shown]);
    report
}

fn sum(report: &Value, keys: &[&str]) -> u64 {
    keys.iter().map(|key| report["staged"][key].as_u64().expect("a number")).sum()
}

/// The commands one by one, then a night with changes, and a night without.
#[test]
fn azeus_converges_and_a_quiet_night_sends_nothing() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, dfe.addr());
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
    println!("converged: {} documents, {} requests", dfe.children().len(), dfe.stats().requests);
}

#[test]
fn all_names_are_in_upper_case_and_every_table_is_made_once() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, NOBODY, 40);
    authority.place.play(["stage"]).well();
    authority.place.play(["stage"]).well();
    assert_eq!(authority.ssd_tables().len(), 19);
    // The staging table, its twin and two logs.
    assert_eq!(authority.tables("SSD\\_API\\_%"), 4);
    let lower = "SELECT COUNT(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND (c.relname || a.attname) ~ '[a-z]'";
    assert_eq!(authority.number(lower), 0);
}

#[test]
fn generate_gives_columns_the_types_that_are_proposed_for_azeus() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, NOBODY, 40);
    for (table, column, kind) in [
        ("SSD_PERSON", "PERS_PERSON_ID", "VARCHAR2"),
        ("SSD_PERSON", "PERS_DOB", "DATE"),
        ("SSD_SDQ_SCORES", "CSDQ_SDQ_SCORE", "NUMBER"),
        ("SSD_ASSESSMENT_FACTORS", "CINF_ASSESSMENT_FACTORS_JSON", "CLOB"),
        ("SSD_IMMIGRATION_STATUS", "IMMI_IMMIGRATION_STATUS_START_DATE", "DATE"),
    ] {
        let declared = authority.sql(&format!(
            "SELECT \"DATA_TYPE\" FROM oracle.\"ALL_TAB_COLUMNS\" WHERE \"TABLE_NAME\" = '{table}' AND \"COLUMN_NAME\" = '{column}'"
        ));
        assert_eq!(declared, kind, "{table}.{column}");
    }
}

#[test]
fn generate_fills_the_tables_of_the_script_in_the_playbook() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, dfe.addr());
    // Made-up children have awkward contents, which the script's keys and widths would keep out.
    let script = include_str!("../../../docs/playbooks/azeus-ssd.sql").replace(" PRIMARY KEY", "");
    let script =
        script.replace("(8 CHAR)", "(50 CHAR)").replace("(13 CHAR)", "(50 CHAR)").replace("(6 CHAR)", "(50 CHAR)");
    authority.oracle(&script.replace("CHAR(1 CHAR)", "CHAR(10 CHAR)"));
    let before = authority.tables("SSD\\_%");
    authority.place.play(["generate", "--children", "60"]).well();
    assert_eq!((before, authority.tables("SSD\\_%")), (19, 19), "generate made a table that the script has not");
    authority.place.play(["run"]).well();
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::filled(postgres, NOBODY, 60);
    let before = authority.tables("%");
    authority.place.play(["run", "--dry-run"]).well();
    assert_eq!((authority.tables("SSD\\_API\\_%"), authority.tables("%")), (0, before));
}

/// Children go and come of age, and the policy says that DfE is to forget them at once.
#[test]
fn with_a_policy_of_purging_dfe_holds_nobody_but_the_cohort() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(postgres, dfe.addr(), children() / 2);
    authority.place.set("deletions", "gone = \"purge\"\nleft = \"purge\"\ngrace = \"0d\"");
    authority.place.play(["run"]).well();
    // Every twenty-fifth goes, and as many become too old: fewer than the guards stop.
    let chosen = format!("\"PERS_PERSON_ID\" IN (SELECT \"PERSON_ID\" FROM {STAGING} WHERE \"ID\" % 25 =");
    authority.sql(&format!("DELETE FROM \"SSD_PERSON\" WHERE {chosen} 1)"));
    authority.sql(&format!(
        "UPDATE \"SSD_PERSON\" SET \"PERS_DOB\" = '1980-01-01', \"PERS_EXPECTED_DOB\" = NULL WHERE {chosen} 2)"
    ));
    let purged = authority.place.play(["run", "--json"]).well().json();
    assert!(sum(&purged, &["gone"]) > 1 && sum(&purged, &["left"]) > 1, "{purged}");
    assert_eq!(purged["submitted"]["purged"], sum(&purged, &["gone", "left"]), "{purged}");
    let (wanted, held) = (authority.place.documents(), dfe.children());
    assert_eq!(wanted.keys().collect::<Vec<_>>(), held.keys().collect::<Vec<_>>());
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
}
