//! Children out of a REST system that has no tables: the plugin `sdms-source` through `stage` and `submit`, over real sockets.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::program::{Dfe, Ended, Place, Row, STAGING, Working, by_child};
use crate::sdms_server::{Fault, Sdms};

const FILE: &str = if cfg!(windows) { "sdms_source.dll" } else { "libsdms_source.so" };

/// An authority whose children are in an SDMS.
struct Rest {
    place: Place,
    sdms: Sdms,
    ids: Vec<String>,
}

fn record(id: &str) -> Value {
    json!({
        "sdmsId": id, "upi": format!("U{id}"), "names": {"given": format!("Ann {id}"), "family": " Lee "},
        "born": "2016-01-02T00:00:00Z", "gender": "Female", "needs": ["MOB", "HAND"], "address": null,
        "cases": [
            {"caseId": format!("{id}-2"), "opened": "2026-07-01", "source": "1A", "noFurtherAction": "N", "plans": []},
            {"caseId": format!("{id}-1"), "opened": "2026-05-01", "closed": "2026-06-01", "reason": "RC1",
             "plans": [{"planId": 7, "from": "2026-05-02", "to": null}]},
        ],
    })
}

/// What of such a record is to be sent.
fn document(id: &str) -> Value {
    json!({
        "la_child_id": id, "mis_child_id": format!("U{id}"), "purge": false,
        "child_details": {
            "first_name": format!("Ann {id}"), "surname": "Lee", "date_of_birth": "2016-01-02", "sex": "F",
            "disabilities": ["HAND", "MOB"], "purge": false,
        },
        "social_care_episodes": [
            {"social_care_episode_id": format!("{id}-1"), "referral_date": "2026-05-01", "closure_date": "2026-06-01",
             "closure_reason": "RC1", "purge": false,
             "child_in_need_plans": [{"child_in_need_plan_id": "7", "start_date": "2026-05-02", "purge": false}]},
            {"social_care_episode_id": format!("{id}-2"), "referral_date": "2026-07-01", "referral_source": "1A",
             "referral_no_further_action_flag": false, "purge": false},
        ],
    })
}

impl Rest {
    /// So many children, and the plugin installed and allowed; `more` stands on its line in the list.
    fn with(children: usize, dfe: &Dfe, more: &str) -> Rest {
        let rest = Rest {
            place: Place::new(dfe.addr()),
            sdms: Sdms::start(),
            ids: (0..children).map(|number| format!("S{number:03}")).collect(),
        };
        let place = &rest.place;
        place.reconfigure(
            "adapter      = \"sqlite\"\ndatabase     = \"cohort.db\"\nschema       = \"\"\nlock_timeout = \"10s\"",
            &format!(
                "adapter = \"sdms-source\"\nendpoint = \"{}\"\nids = \"ids.csv\"\nmin_interval = \"0s\"\nmax_attempts = 2\nchunk = 7",
                rest.sdms.endpoint()
            ),
        );
        place.set("staging", "adapter = \"sqlite\"\ndatabase = \"cohort.db\"");
        place.write("sdms-student.toml", include_str!("../../plugins/examples/sdms-source/sdms-student.toml"));
        rest.list(&rest.ids.join("\r\n"));
        for id in &rest.ids {
            rest.sdms.put(id, record(id));
        }
        install(place, more);
        rest
    }

    fn list(&self, ids: &str) {
        self.place.write("ids.csv", &format!("\u{feff}sdms_id\r\n{ids}\r\n"));
    }

    fn run(&self) -> Value {
        self.play(&["run", "--json"]).well().json()
    }

    fn play(&self, words: &[&str]) -> Ended {
        self.place.play(words)
    }

    /// Every row of the staging table, by child; none before the first run.
    fn rows(&self) -> BTreeMap<String, Row> {
        let database = self.place.database();
        let ids = database.prepare(&format!("SELECT person_id FROM {STAGING}"));
        let Ok(mut ids) = ids else { return BTreeMap::new() };
        let ids = ids.query_map([], |row| row.get::<_, String>(0)).expect("rows").map(|id| id.expect("an id"));
        ids.map(|id| (id.clone(), self.place.row(&id))).collect()
    }
}

/// Puts the plugin that was built with these tests into the folder, and on the list.
fn install(place: &Place, more: &str) {
    let built = std::env::current_exe().expect("the tests' own file").with_file_name(FILE);
    let library = std::fs::read(&built).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    let hash: String = Sha256::digest(&library).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::create_dir_all(place.path("plugins")).expect("a folder");
    std::fs::write(place.path("plugins").join(FILE), library).expect("the library is copied");
    let manifest = format!(
        "name = \"sdms-source\"\nversion = \"0.1.0\"\nabi = 1\nfile = \"{FILE}\"\nsha256 = \"{hash}\"\npublisher = \"the tests\"\n"
    );
    place.write("plugins/sdms-source.toml", &manifest);
    place.set("plugins", &format!("allow = [{{ name = \"sdms-source\", sha256 = \"{hash}\"{more} }}]"));
}

fn finding(report: &Value, rule: &str) -> u64 {
    let findings = report["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["rule"] == rule);
    found.and_then(|finding| finding["count"].as_u64()).unwrap_or(0)
}

/// Nights in a row: all are sent, nothing changes, one changes, one goes bad among many, one goes.
fn nights(more: &str) {
    let dfe = Dfe::start();
    let rest = Rest::with(30, &dfe, more);
    let first = rest.run();
    assert_eq!((&first["submitted"]["sent"], &first["staged"]["new"]), (&30.into(), &30.into()), "{first}");
    let expected: BTreeMap<String, Value> = rest.ids.iter().map(|id| (id.clone(), document(id))).collect();
    assert_eq!(dfe.children(), expected);
    assert_eq!(rest.sdms.asked().len(), 30);

    let again = rest.run();
    assert_eq!((&again["staged"]["written"], &again["submitted"]["requests"]), (&0.into(), &0.into()), "{again}");

    // Lists and keys in another order are no change; a name is.
    for (at, id) in rest.ids.iter().enumerate() {
        let mut record = record(id);
        record["cases"].as_array_mut().expect("a list").reverse();
        if at == 4 {
            record["names"]["given"] = "Bea".into();
        }
        rest.sdms.put(id, record);
    }
    let one = rest.run();
    assert_eq!((&one["staged"]["updated"], &one["submitted"]["sent"]), (&1.into(), &1.into()), "{one}");
    assert_eq!(dfe.children()["S004"]["child_details"]["first_name"], "Bea");

    // One is not there, one is nonsense, one is somebody else's, one has a birth date that nobody can read: the rest go their way.
    rest.sdms.remove("S000");
    rest.sdms.fault("S001", &[Fault::Garbage("<html>")]);
    rest.sdms.put("S002", record("S003"));
    let mut unborn = record("S005");
    unborn["born"] = "in spring".into();
    rest.sdms.put("S005", unborn);
    let mut bea = record("S006");
    bea["names"]["given"] = "Cat".into();
    rest.sdms.put("S006", bea);
    let before = rest.rows();
    let bad = rest.run();
    assert_eq!((finding(&bad, "child.no_document"), finding(&bad, "child.bad_birth_date")), (3, 1), "{bad}");
    assert_eq!((&bad["submitted"]["sent"], &bad["staged"]["gone"]), (&1.into(), &0.into()), "{bad}");
    let after = rest.rows();
    for id in ["S000", "S001", "S002", "S005"] {
        assert_eq!(before[id], after[id], "{id} did not stay as it was");
    }
    assert_eq!(dfe.children().len(), 30, "a child that could not be read is not purged");

    // Who stands in the list no more is gone; the others are told to be as they were.
    let left: Vec<&str> = rest.ids.iter().map(String::as_str).filter(|id| *id != "S009").collect();
    rest.list(&left.join("\n"));
    let gone = rest.run();
    assert_eq!((&gone["staged"]["gone"], &gone["submitted"]["sent"]), (&1.into(), &0.into()), "{gone}");
    assert_eq!(rest.place.row("S009").says(), ("sent", "deleted"));
}

#[test]
fn nights_from_a_rest_system_in_the_process() {
    nights("");
}

#[test]
fn nights_from_a_rest_system_isolated() {
    nights(", isolate = true");
}

#[test]
fn a_system_that_goes_down_stages_nothing_and_the_next_run_goes_on_where_it_was() {
    for more in ["", ", isolate = true"] {
        let dfe = Dfe::start();
        let rest = Rest::with(20, &dfe, more);
        rest.sdms.answer_only(Some(12));
        rest.play(&["run"]).fails(5, &["the system failed on several records in a row"]);
        assert!(rest.rows().is_empty(), "something was staged");
        assert_eq!(dfe.stats().records, 0);
        rest.sdms.answer_only(None);
        rest.sdms.asked();
        let report = rest.run();
        assert_eq!(rest.sdms.asked(), rest.ids[12..], "what was answered is not asked for again");
        assert_eq!(report["submitted"]["sent"], 20, "{report}");
        rest.place.converged(&dfe);
    }
}

#[test]
fn a_run_that_is_killed_in_the_middle_goes_on_where_it_was() {
    for more in ["", ", isolate = true"] {
        let dfe = Dfe::start();
        let rest = Rest::with(20, &dfe, more);
        rest.sdms.fault("S015", &[Fault::Slow(std::time::Duration::from_secs(3600))]);
        let mut command = rest.place.command(["run", "--run-date", crate::program::DAY]);
        let mut running = Working(command.spawn().expect("the program starts"));
        while rest.sdms.count() < 16 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        running.0.kill().expect("its end");
        running.0.wait().expect("its end");
        assert!(rest.rows().is_empty(), "something was staged");
        assert_eq!(rest.sdms.asked(), rest.ids[..16]);
        assert_eq!(rest.run()["submitted"]["sent"], 20);
        assert_eq!(rest.sdms.asked(), rest.ids[15..]);
        rest.place.converged(&dfe);
    }
}

#[test]
fn a_list_that_was_cut_short_and_documents_that_were_emptied_are_stopped_by_guards() {
    let dfe = Dfe::start();
    let rest = Rest::with(60, &dfe, "");
    // As many as a guard lets through of a small cohort are few here.
    rest.place
        .set("guards", "max_gone = { share = 0.05, count = 5 }\nmax_member_purges = { share = 0.05, count = 10 }");
    rest.run();
    let before = rest.rows();
    rest.list(&rest.ids[..30].join("\n"));
    let message = rest.play(&["run"]).fails(4, &["30 of 60 children are gone"]).to_owned();
    assert!(!message.contains("records inside documents"), "{message}");
    rest.list(&rest.ids.join("\n"));
    for id in &rest.ids {
        let mut record = record(id);
        record["cases"] = json!([]);
        rest.sdms.put(id, record);
    }
    rest.play(&["run"]).fails(4, &["records inside documents are gone"]);
    for id in &rest.ids {
        rest.sdms.remove(id);
    }
    rest.play(&["run"]).fails(4, &["none that can be read"]);
    rest.place.write("ids.csv", "");
    rest.play(&["run"]).fails(1, &["has no id"]);
    assert_eq!(rest.rows(), before);
    assert_eq!(dfe.stats().records, 60);
}

#[test]
fn odd_lines_of_the_list_are_findings_and_the_children_alike_them_stay() {
    let dfe = Dfe::start();
    let rest = Rest::with(10, &dfe, "");
    rest.run();
    let before = rest.rows();
    // One id has lost its form, another has a twin.
    rest.list(&rest.ids.join("\n").replace("S003", "S0 03").replace("S007", "S007\ns007"));
    let report = rest.run();
    assert_eq!((finding(&report, "child.bad_id"), finding(&report, "child.colliding_id")), (1, 2), "{report}");
    assert_eq!((&report["staged"]["gone"], &report["submitted"]["sent"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(rest.rows(), before, "nobody is gone");
}

#[test]
fn where_dfe_merges_what_a_document_does_not_mention_is_never_purged() {
    let dfe = Dfe::merging();
    let rest = Rest::with(5, &dfe, "");
    rest.place.set("sink", "semantics = \"merge\"");
    rest.run();
    let mut changed = record("S001");
    changed["cases"].as_array_mut().expect("a list").remove(1);
    changed["names"]["given"] = "Bea".into();
    rest.sdms.put("S001", changed);
    let report = rest.run();
    assert_eq!(report["submitted"]["sent"], 1, "{report}");
    let held = &dfe.children()["S001"];
    assert_eq!(held["child_details"]["first_name"], "Bea");
    assert_eq!(held["social_care_episodes"].as_array().map(Vec::len), Some(2), "{held}");
    assert_eq!(rest.run()["submitted"]["requests"], 0, "it converges");
}

#[test]
fn looking_works_as_with_any_other_source() {
    let dfe = Dfe::start();
    let rest = Rest::with(3, &dfe, "");
    let documents = by_child(&rest.play(&["payload", "--all", "--quiet"]).well().stdout);
    assert_eq!(documents["S002"], document("S002"));
    let plan = rest.play(&["plan", "--json"]).well().json();
    assert_eq!((&plan["would_send"]["full"], &plan["staged"]["new"]), (&3.into(), &3.into()), "{plan}");
    let check = rest.play(&["check", "--json"]).json();
    let said = |id: &str| {
        let checks = check["checks"].as_array().expect("checks").iter();
        checks.filter(|check| check["id"] == id).map(|check| check["result"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((said("db.connect"), said("findings")), (vec!["pass".into()], vec!["pass".into()]), "{check}");
    assert_eq!(said("db.table.ssd_person"), ["skipped"], "{check}");
    assert!(rest.rows().is_empty() && dfe.stats().records == 0);
}

#[test]
fn no_child_is_named_in_a_log_or_an_error() {
    let dfe = Dfe::start();
    let rest = Rest::with(4, &dfe, ", isolate = true");
    rest.place.set("log", "level = \"trace\"\nfile = \"log.txt\"");
    rest.sdms.remove("S001");
    rest.sdms.fault("S002", &[Fault::Garbage("{\"sdmsId\":\"S002\",\"Zaphod\":")]);
    rest.sdms.put("S003", json!({"sdmsId": "S003", "names": {"Zaphod": 1}, "born": "2016-01-02"}));
    let ended = rest.play(&["run", "-vv", "--json"]).well();
    let logs: Vec<String> = std::fs::read_dir(rest.place.path(""))
        .expect("the folder")
        .filter_map(|entry| entry.ok().filter(|entry| entry.file_name().to_string_lossy().contains("log")))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect();
    assert!(logs.concat().contains("2 synced, 2 errors"), "{}\n{}", ended.stderr, logs.concat());
    assert!(logs.concat().contains("line 3 of the list: the system has no record of this id"), "{}", logs.concat());
    for text in logs.iter().chain([&ended.stdout, &ended.stderr]) {
        for name in ["S000", "S001", "S002", "S003", "Zaphod", "Ann"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }
}
