//! Nothing that the program prints or logs names a child or tells a secret, at its most talkative: every value of the SSD is made
//! recognisable (a canary), and none may be found in standard output, standard error or any file of the state folder, whether a run
//! goes well or fails. Only `payload` prints documents, to standard output, because that is what it is for.

use std::process::Stdio;

use rusqlite::Connection;

use crate::api::{Api, Reply};
use crate::program::{Dfe, Ended, NOBODY, Place, STAGING, Working};

/// What must not be found, in upper case: every name, id, code, secret and token holds the first; then postcodes and dates of birth.
const CANARIES: [&str; 5] = ["CANARY", "ZQ9Z", "2013-07-17", "2013-07-19", "20130717"];

/// A place whose children and secrets are canaries, and which looks at all that is printed and logged.
pub struct Aviary {
    pub place: Place,
}

impl Aviary {
    /// `format` is the log's.
    pub fn new(api: std::net::SocketAddr, children: usize, format: &str) -> Aviary {
        let place = Place::filled(api, children);
        make_canaries(&place.database());
        let aviary = Aviary { place };
        aviary.configure(api, format);
        aviary
    }

    pub fn configure(&self, api: std::net::SocketAddr, format: &str) {
        let place = &self.place;
        place.configure(api);
        for secret in ["client_id      ", "client_secret  ", "supplier_key   "] {
            let name = secret.trim();
            place.write(name, &format!("SECRETCANARY-{name}\n"));
            place.reconfigure(
                &format!("{secret} = {{ file = \"secret\" }}"),
                &format!("{name} = {{ file = \"{name}\" }}"),
            );
        }
        place.reconfigure("[sink]", &format!("[log]\nformat = \"{format}\"\n\n[sink]"));
    }

    /// Runs a command at its most talkative.
    pub fn run(&self, args: &[&str]) -> Ended {
        let dated = !["status", "simulate", "demo"].contains(&args[0]);
        let mut command = self.place.command(args);
        command.args(["-vv", "--log-level", "trace"]).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        if dated {
            command.args(["--run-date", crate::program::DAY]);
        }
        let ended = Ended::of(&mut command);
        let what = args.join(" ");
        if args[0] != "payload" {
            silent(&format!("{what}: standard output"), &ended.stdout);
        }
        silent(&format!("{what}: standard error"), &ended.stderr);
        self.nothing_logged(&what);
        ended
    }

    /// Runs a command that must fail with a code; `what` is for the message.
    pub fn fails(&self, what: &str, args: &[&str], code: i32) {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
    }

    pub fn nothing_logged(&self, what: &str) {
        let files = self.place.state_files();
        assert!(files.iter().any(|(path, text)| path.ends_with("csc-bridge.log") && text.len() > 100), "no log");
        for (path, text) in files {
            silent(&format!("{what}: {}", path.display()), &text);
        }
    }
}

/// None of the canaries sings.
fn silent(place: &str, text: &str) {
    let upper = text.to_uppercase();
    for canary in CANARIES {
        if let Some(at) = upper.find(canary) {
            let line = upper[..at].matches('\n').count();
            panic!("{canary} in {place}: {}", text.lines().nth(line).unwrap_or_default());
        }
    }
}

/// Columns of the SSD's tables, with their tables.
fn columns(database: &Connection) -> Vec<(String, String)> {
    let mut query = database
        .prepare(
            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name LIKE 'ssd!_%' ESCAPE '!' AND m.name NOT LIKE 'ssd!_api%' ESCAPE '!'",
        )
        .expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("columns");
    rows.map(|row| row.expect("a column")).collect()
}

fn is_id(column: &str) -> bool {
    column.ends_with("_id") && !column.ends_with("_role_id")
}

/// Every id, name, number, postcode and date of birth becomes a canary; links between tables hold.
fn make_canaries(database: &Connection) {
    let all = columns(database);
    assert!(all.len() > 60, "{all:?}");
    for (table, column) in all.iter().filter(|(_, column)| is_id(column)) {
        let sql = format!(
            "UPDATE {table} SET {column} = 'CANARY-' || TRIM({column})
             WHERE {column} IS NOT NULL AND TRIM({column}) NOT IN ('', '-1', 'SSD_PH', 'SSD_SUI')"
        );
        database.execute_batch(&sql).expect("ids");
    }
    database
        .execute_batch(
            "UPDATE ssd_person SET pers_forename = 'ZZCANARYNAME' || rowid, pers_surname = 'O''Canary-' || rowid,
                 pers_upn = 'Q7CANARY' || printf('%05d', rowid), pers_upn_unknown = NULL,
                 pers_dob = CASE WHEN pers_dob IS NULL THEN NULL ELSE '2013-07-17' END,
                 pers_expected_dob = CASE WHEN pers_expected_dob IS NULL THEN NULL ELSE '2013-07-19' END;
             UPDATE ssd_linked_identifiers SET link_identifier_value = 'Q8CANARY' || printf('%05d', rowid);
             UPDATE ssd_address SET addr_address_postcode = iif(rowid % 5 = 0, 'CANARYPC', 'ZQ9Z 9ZZ');
             UPDATE ssd_cla_placement SET clap_cla_placement_postcode = iif(rowid % 5 = 0, 'CANARYPC', 'ZQ9Z 9ZZ');
             UPDATE ssd_professionals SET prof_social_worker_registration_no = 'CANARY' || printf('%05d', rowid);",
        )
        .expect("canaries");
}

/// Whatever may be wrong with a value is wrong with some, and all that is wrong is a canary.
fn make_everything_wrong(database: &Connection) {
    for (number, (table, column)) in columns(database).iter().filter(|(_, column)| !is_id(column)).enumerate() {
        let sql = format!(
            "UPDATE {table} SET {column} = 'BADCANARY' || rowid WHERE rowid % 9 = {} AND rowid > 40",
            number % 9
        );
        database.execute_batch(&sql).expect("wrong values");
    }
    database
        .execute_batch(
            "UPDATE ssd_person SET pers_upn = 'Q7CANARY' WHERE rowid IN (1, 2);
             UPDATE ssd_person SET pers_upn = 'Q7CANARY!!!!!' WHERE rowid IN (3, 4);
             UPDATE ssd_person SET pers_surname = replace(hex(zeroblob(60)), '00', 'Canary') WHERE rowid IN (5, 6);
             UPDATE ssd_person SET pers_dob = '17/07/2013 CANARY' WHERE rowid IN (7, 8);
             UPDATE ssd_person SET pers_person_id = 'CANARY id!' || rowid WHERE rowid IN (10, 11);
             UPDATE ssd_person SET pers_person_id = 'CANARY' || replace(hex(zeroblob(20)), '00', 'long') WHERE rowid = 12;
             UPDATE ssd_person SET pers_person_id = ' ' WHERE rowid = 13;
             INSERT INTO ssd_person SELECT * FROM ssd_person WHERE rowid = 14;
             INSERT INTO ssd_person SELECT * FROM ssd_person WHERE rowid = 15;
             UPDATE ssd_person SET pers_person_id = lower(pers_person_id) WHERE rowid = (SELECT MAX(rowid) FROM ssd_person);
             UPDATE ssd_person SET pers_legacy_id = 'CANARY legacy!' WHERE rowid IN (16, 17);
             UPDATE ssd_cin_plans SET cinp_cin_plan_id = 'CANARY plan!' || rowid WHERE rowid % 9 = 0;
             UPDATE ssd_cin_plans SET cinp_cin_plan_id = NULL WHERE rowid % 9 = 1;
             INSERT INTO ssd_cin_assessments (cina_assessment_id, cina_assessment_start_date, cina_referral_id)
                 SELECT cina_assessment_id, '2026-06-01', cina_referral_id FROM ssd_cin_assessments WHERE rowid % 9 = 3;
             UPDATE ssd_cla_placement SET clap_cla_placement_start_date = '2026-06-02',
                 clap_cla_placement_end_date = '2026-06-01' WHERE rowid % 9 = 4;
             UPDATE ssd_sdq_scores SET csdq_sdq_score = 4711 WHERE rowid % 3 = 0;
             UPDATE ssd_sdq_scores SET csdq_sdq_score = 'CANARYSCORE' WHERE rowid % 3 = 1;
             UPDATE ssd_assessment_factors SET cinf_assessment_factors_json =
                 '[\"CANARY' || replace(hex(zeroblob(5000)), '00', '[') WHERE rowid % 9 = 2;",
        )
        .expect("wrong values");
}

#[test]
fn a_night_that_goes_well_names_nobody() {
    for format in ["text", "json"] {
        let dfe = Dfe::start();
        let aviary = Aviary::new(dfe.addr(), 300, format);
        for args in
            [&["stage", "--json"][..], &["submit", "--json"], &["status", "--json"], &["run", "--dry-run", "--json"]]
        {
            assert_eq!(aviary.run(args).code, Some(0), "{args:?}");
        }
        assert_eq!(aviary.run(&["mutate", "--percent", "30", "--json"]).code, Some(0));
        for args in [&["payload"][..], &["payload", "--findings"], &["run", "--json"], &["status"], &["run", "--anon"]]
        {
            assert_eq!(aviary.run(args).code, Some(0), "{args:?}");
        }
        aviary.place.converged(&dfe);
        // The canaries are in what was sent, and in what was not logged.
        let sent = serde_json::to_string(&dfe.children()).expect("JSON");
        for canary in ["ZZCANARYNAME", "O'Canary", "Q7CANARY", "ZQ9Z 9ZZ", "2013-07-17", "CANARY-"] {
            assert!(sent.contains(canary), "{canary} was never sent");
        }
        for (run, rows) in aviary.place.table("ssd_api_run_log").iter().enumerate() {
            silent(&format!("run {run} of the run log"), &format!("{rows:?}"));
        }
    }
}

#[test]
fn the_simulator_names_nobody() {
    let aviary = Aviary::new(NOBODY, 120, "text");
    let mut simulate =
        aviary.place.command(["simulate", "--listen", "127.0.0.1:0", "-vv", "--log-level", "trace", "--json"]);
    simulate.stdout(Stdio::piped()).stderr(std::fs::File::create(aviary.place.path("said")).expect("a file"));
    let mut simulator = Working(simulate.spawn().expect("the simulator starts"));
    let addr = loop {
        let said = aviary.place.read("said");
        if let Some((_, rest)) = said.split_once("simulated at http://")
            && let Some((addr, _)) = rest.split_once(';')
        {
            break addr.parse().expect("an address");
        }
        assert!(simulator.0.try_wait().expect("its state").is_none(), "the simulator ended");
        std::thread::yield_now();
    };
    aviary.configure(addr, "text");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    aviary
        .place
        .sql(&format!("UPDATE {STAGING} SET json_payload = json_set(json_payload, '$.CANARY', 'CANARY') WHERE id = 5"));
    aviary.fails("a refused record", &["submit"], 3);
    simulator.0.kill().expect("its end");
    silent("the simulator's standard error", &aviary.place.read("said"));
}

#[test]
#[should_panic(expected = "CANARY in stage --json: standard output")]
fn a_canary_that_sings_is_heard() {
    let aviary = Aviary::new(NOBODY, 300, "text");
    // Ids in clear in the findings: the operator may ask for that.
    aviary.place.reconfigure("[log]", "[log]\nids = \"plain\"");
    aviary.run(&["stage", "--json"]);
}

#[test]
fn findings_name_nobody() {
    for format in ["text", "json"] {
        let dfe = Dfe::start();
        let aviary = Aviary::new(dfe.addr(), 300, format);
        make_everything_wrong(&aviary.place.database());
        let report = aviary.run(&["run", "--json"]);
        assert_eq!(report.code, Some(0), "{}", report.stderr);
        let report = report.json();
        let rules: Vec<&str> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter_map(|finding| finding["rule"].as_str()?.split(':').next())
            .collect();
        for rule in [
            "child.no_id",
            "child.bad_id",
            "child.duplicate_id",
            "child.colliding_id",
            "no_id",
            "bad_id",
            "duplicate_id",
            "not_a_code",
            "too_long",
            "wrong_length",
            "bad_pattern",
            "out_of_range",
            "not_a_number",
            "not_a_date",
            "not_a_flag",
            "before_start",
            "bad_json",
        ] {
            assert!(rules.contains(&rule), "{rule} did not come up: {rules:?}");
        }
        assert_eq!(aviary.run(&["payload", "--findings"]).code, Some(0));
        assert_eq!(aviary.run(&["status"]).code, Some(0));
        aviary.place.converged(&dfe);
    }
}

#[test]
fn a_run_that_is_killed_names_nobody_and_loses_nothing() {
    let (arrived, batch) = std::sync::mpsc::channel();
    let (wait, never) = std::sync::mpsc::channel::<()>();
    let api = Api::failing(move |_| {
        let _ = arrived.send(());
        let _ = never.recv();
        Reply::Close
    });
    // Declared after the server, so that it ends before: the server waits for it.
    let wait = wait;
    let aviary = Aviary::new(api.addr(), 300, "json");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    let mut submit = aviary.place.command(["submit", "-vv", "--log-level", "trace", "--json"]);
    let file = |name| std::fs::File::create(aviary.place.path(name)).expect("a file");
    let mut submitting = Working(submit.stdout(file("out")).stderr(file("err")).spawn().expect("the program starts"));
    batch.recv().expect("a batch arrives");
    submitting.0.kill().expect("its end");
    submitting.0.wait().expect("its end");
    drop(wait);
    silent("standard output", &aviary.place.read("out"));
    silent("standard error", &aviary.place.read("err"));
    aviary.nothing_logged("killed");
    assert!(aviary.place.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL") > 0);

    // Its locks died with it; its intents did not.
    let dfe = Dfe::start();
    aviary.configure(dfe.addr(), "json");
    aviary.place.age_intents();
    let report = aviary.run(&["run", "--json"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    assert!(report.stderr.contains("answers never recorded, to be sent again"), "{}", report.stderr);
    assert_eq!(aviary.place.count("pending"), 0);
    aviary.place.converged(&dfe);
}
