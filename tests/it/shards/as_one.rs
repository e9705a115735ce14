//! Four shards give the same staging table, column for column but times and row ids, as one run, and their reports are together its report:
//! on an empty database, after changes, and when a year retires.

use std::collections::{BTreeMap, BTreeSet};

use csc_bridge_core::staging::Shard;
use serde_json::Value;

use super::town::Town;
use crate::program::{DAY, Ended, NOBODY, Place};

/// The nights that follow [`DAY`]; a year retires before the last.
const NEXT: &str = "2026-11-20";
const APRIL: &str = "2028-04-01";

/// A night changes much.
const GUARDS: &str = "max_changed = { share = 1.0, count = 0 }\nmax_gone = { share = 0.10, count = 8 }";

/// Adds up the counts in reports, but for those of whole tables, which every shard tells.
fn counts(reports: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut add = |name: String, count: &Value| {
        *counts.entry(name).or_default() += count.as_u64().expect("a count");
    };
    for report in reports {
        for part in ["staged", "rows"] {
            for (name, count) in report[part].as_object().expect("counts") {
                add(format!("{part} {name}"), count);
            }
        }
        for finding in report["findings"].as_array().expect("findings") {
            add(format!("finding {}", finding["rule"]), &finding["count"]);
        }
        let guards = report["guards"].as_array().expect("guards").iter();
        for guard in guards.filter(|guard| guard["name"] != "empty" && guard["table"].is_null()) {
            add(format!("value of {}", guard["name"]), &guard["value"]);
            add(format!("of {}", guard["name"]), &guard["of"]);
        }
    }
    counts
}

fn reports(ended: Vec<Ended>) -> Vec<Value> {
    ended.into_iter().map(|ended| ended.well().json()).collect()
}

/// The staging tables are alike, and the reports add up.
fn alike(whole: &Town<'_>, divided: &Town<'_>, one: Ended, four: Vec<Ended>) -> Value {
    let (one, four) = (reports(vec![one]), reports(four));
    let (table, other) = (whole.table(), divided.table());
    let differ: BTreeSet<&String> =
        table.keys().chain(other.keys()).filter(|id| table.get(*id) != other.get(*id)).collect();
    assert!(differ.is_empty(), "{} rows differ, such as {:?}", differ.len(), differ.first());
    assert_eq!(counts(&four), counts(&one));
    let named: BTreeSet<&str> = four.iter().filter_map(|report| report["shard"].as_str()).collect();
    assert_eq!(named, BTreeSet::from(["1/4", "2/4", "3/4", "4/4"]));
    one.into_iter().next().expect("a report")
}

/// As after a `submit` of everything, but for DfE's ids, which no two nights have in common.
fn send_all(town: &Town<'_>) {
    let staging = "UPDATE SSD_API_DATA_STAGING SET SUBMISSION_STATUS = 'sent', ROW_STATE = 'unchanged', \
                   PREVIOUS_JSON_PAYLOAD = JSON_PAYLOAD, PREVIOUS_HASH = CURRENT_HASH WHERE SUBMISSION_STATUS = 'pending'";
    (town.sql)(staging);
}

/// Three nights of two authorities with the same SSD, of which one is staged whole.
pub fn four_are_as_one(whole: &Town<'_>, divided: &Town<'_>) {
    let both = [whole, divided];
    for town in both {
        town.place.set("guards", GUARDS);
    }
    let first = alike(whole, divided, whole.run(DAY, &["stage", "--json"]), divided.four_at_once(DAY));
    assert!(first["staged"]["new"].as_u64() > Some(100), "{first}");

    let gone: Vec<String> = whole.table().into_keys().step_by(29).collect();
    for town in both {
        send_all(town);
        town.run(NEXT, &["mutate", "--percent", "10"]).well();
        for id in &gone {
            (town.sql)(&format!("DELETE FROM SSD_PERSON WHERE PERS_PERSON_ID = '{id}'"));
        }
    }
    let next = alike(whole, divided, whole.run(NEXT, &["stage", "--json"]), divided.four_at_once(NEXT));
    for change in ["updated", "gone", "unchanged"] {
        assert!(next["staged"][change].as_u64() > Some(0), "nobody is {change}: {next}");
    }

    // One after the other: the last finds no year retired since the first, but since its own last night.
    for town in both {
        send_all(town);
        town.place.reconfigure("max_gone = { share = 0.10, count = 8 }", "max_gone = { share = 0.0, count = 0 }");
    }
    let four = divided.four_in_turn(APRIL);
    let left = four[1..].iter().map(|ended| ended.json()["staged"]["left"].as_u64().expect("a count"));
    assert!(left.sum::<u64>() > 0, "nobody left in a shard after the first");
    alike(whole, divided, whole.run(APRIL, &["stage", "--json"]), four);
}

#[test]
fn on_sqlite() {
    let places = [0, 1].map(|_| Place::filled(NOBODY, 400));
    // Alike but for case, and so in no shard, whichever they would be in.
    for place in &places {
        place.sql(
            "INSERT INTO ssd_person (pers_person_id, pers_dob) VALUES ('twin', '2015-01-01'), ('Twin', '2015-01-01'), ('TWIN', '2015-01-01')",
        );
    }
    let [whole, divided] = [0, 1].map(|at| Town::on_sqlite(&places[at]));
    four_are_as_one(&whole, &divided);
    let report = whole.run(APRIL, &["stage", "--json"]).well().json();
    let findings = report["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|found| found["rule"].as_str().is_some_and(|rule| rule.contains("colliding"))));
}

#[test]
fn on_postgresql() {
    use crate::postgres::authority::Authority;
    let Some(server) = csc_bridge_test_postgres::shared() else { return };
    let whole = Authority::filled(server, NOBODY, 400);
    let divided = whole.copy("divided", NOBODY);
    let towns = [&whole, &divided].map(|authority| Town {
        place: &authority.place,
        rows: Box::new(|| authority.rows("SELECT * FROM ssd_api_data_staging")),
        sql: Box::new(|sql| drop(authority.sql(sql))),
    });
    four_are_as_one(&towns[0], &towns[1]);
}

#[test]
fn on_sql_server() {
    use crate::sqlserver::authority::{Authority, SYSTEMC, postgres};
    let Some(server) = postgres() else { return };
    let whole = Authority::filled(server, SYSTEMC, NOBODY, 400);
    let divided = whole.copy("divided", NOBODY);
    let towns = [&whole, &divided].map(|authority| Town {
        place: &authority.place,
        rows: Box::new(|| authority.rows("SELECT * FROM ssd_api_data_staging")),
        sql: Box::new(|sql| drop(authority.sql(sql))),
    });
    four_are_as_one(&towns[0], &towns[1]);
}

#[cfg(feature = "oracle")]
#[test]
fn on_oracle() {
    use crate::oracle::authority::{Authority, STAGING, postgres};
    let Some(server) = postgres() else { return };
    let whole = Authority::filled(server, NOBODY, 400);
    let divided = whole.copy("divided", NOBODY);
    let towns = [&whole, &divided].map(|authority| Town {
        place: &authority.place,
        rows: Box::new(|| {
            let rows = authority.sql(&format!("SELECT row_to_json(q)::text FROM {STAGING} q"));
            rows.lines().map(|row| serde_json::from_str(row).expect("JSON")).collect()
        }),
        sql: Box::new(|sql| authority.oracle(sql)),
    });
    four_are_as_one(&towns[0], &towns[1]);
}

/// The file, its tables and its locks, by whoever comes first.
#[test]
fn four_make_a_database_that_is_not_there() {
    let place = Place::filled(NOBODY, 40);
    for staging in ["a.db", "b.db", "c.db"] {
        place.configure(NOBODY);
        place.set("staging", &format!("database = \"{staging}\""));
        let four = reports(Town::on_sqlite(&place).four_at_once(DAY));
        let new = counts(&four)["staged new"];
        assert!(new > 20, "{new}");
        let whole = place.play(["stage", "--json"]).well().json();
        assert_eq!((&whole["staged"]["unchanged"], &whole["staged"]["written"]), (&new.into(), &0.into()));
    }
}

#[test]
fn a_shard_stages_its_own_children_and_no_others() {
    let place = Place::filled(NOBODY, 200);
    let town = Town::on_sqlite(&place);
    let mut staged = 0;
    for at in 1..=3 {
        let ended = town.run(DAY, &["stage", "--shard", &format!("{at}/3")]).well();
        assert!(ended.stderr.contains(&format!("shard  {at}/3")), "{}", ended.stderr);
        let table = town.table();
        let own = |id: &str| (1..=at).any(|of| Shard::new(of, 3).expect("a shard").has(id));
        assert!(table.keys().all(|id| own(id)), "a child of a shard that was not staged");
        assert!(table.len() > staged + 20, "{} children after {staged}", table.len());
        staged = table.len();
    }
    assert_eq!(town.run(DAY, &["stage", "--json"]).well().json()["staged"]["unchanged"], staged);
    let logged = place.text("SELECT group_concat(command) FROM (SELECT command FROM ssd_api_run_log ORDER BY id)");
    assert_eq!(logged, "stage 1/3,stage 2/3,stage 3/3,stage");
}
