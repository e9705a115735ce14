//! Guards: an SSD that lost children, tables or records between two runs stops the run before anything is written, says what is lost,
//! and names the flags that let exactly that through, once.

use std::collections::BTreeSet;

use rusqlite::types::Value as Sql;
use serde_json::{Value, json};

use crate::night::{Night, fired, flags, guard, ssd_tables};
use crate::program::{DAY, Dfe, Ended, NOBODY, Place, STAGING};

/// The message and the advice say all counts and flags.
fn says_it_all(ended: &Ended) {
    let report = ended.json();
    let message = ended.fails(4, &["a guard stopped the run", "nothing was written"]);
    let advice = ended.stderr.lines().find(|line| line.starts_with("  what to do: ")).expect("advice");
    for guard in fired(&report) {
        for key in ["name", "value", "of", "limit", "fired", "flag"] {
            assert!(!guard[key].is_null(), "{key} of {guard}");
        }
        assert!(guard["value"].as_u64() > Some(0), "{guard}");
        let flag = guard["flag"].as_str().expect("a flag");
        assert!(format!("{advice} ").contains(&format!(" {flag} ")), "{flag} is not in: {advice}");
        // Of how many children in the cohort is of no interest to those long out of it.
        let told = match guard["name"].as_str() {
            Some("empty") => &[][..],
            Some("purges") => &["value", "limit"],
            _ => &["value", "of"],
        };
        for count in told.iter().map(|key| &guard[*key]) {
            assert!(message.contains(&count.to_string()), "{guard} is not told: {message}");
        }
        if let Some(table) = guard["table"].as_str() {
            assert!(message.contains(table), "{message}");
            assert_eq!(flag, format!("--accept-table {table}"));
        }
    }
}

#[test]
fn an_emptied_ssd_is_stopped_and_let_through_once() {
    let night = Night::new(150);
    let before = night.place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    night.empty_all();
    let ended = night.is_stopped("emptied");
    says_it_all(&ended);
    let report = ended.json();
    assert_eq!(guard(&report, "empty")["fired"], true);
    assert_eq!(guard(&report, "max_gone")["value"], before);
    assert_eq!(guard(&report, "max_gone")["of"], before);
    let lost = fired(&report).iter().filter(|guard| guard["name"] == "max_table_drop").count();
    assert_eq!(lost, 19, "{report}");
    night.restore();
    night.is_quiet("whole again");

    // Let through, it is no loss any more; but an SSD without children is never read in silence.
    night.empty_all();
    let flags = flags(&night.is_stopped("emptied again").json());
    night.place.play(std::iter::once("run").chain(flags.iter().flat_map(|flag| flag.split(' ')))).well();
    let next = night.is_stopped("still empty").json();
    assert_eq!(self::flags(&next), ["--accept-empty"]);
    night.restore();
    night.place.play(["run"]).well();
    night.place.converged(&night.dfe);
    night.is_quiet("whole again");
}

#[test]
fn a_halved_ssd_is_stopped_and_let_through_once() {
    let night = Night::new(150);
    night.halve();
    let ended = night.is_stopped("halved");
    says_it_all(&ended);
    let report = ended.json();
    assert!(guard(&report, "max_gone")["value"].as_u64() > Some(60), "{report}");
    assert_eq!(guard(&report, "max_gone")["limit"], 25);
    assert_eq!(guard(&report, "empty")["fired"], false);
    night.restore();
    night.lets_through_once("halved", || night.halve());
}

/// Tables are emptied one after the other; `part` of two, so that both cores have something to do.
fn any_table_empty(part: usize) {
    let night = Night::new(200);
    for table in night.tables.iter().skip(part).step_by(2) {
        night.place.sql(&format!("DELETE FROM {table}"));
        let ended = night.is_stopped(table);
        says_it_all(&ended);
        let report = ended.json();
        let named: BTreeSet<&str> = fired(&report).iter().filter_map(|guard| guard["table"].as_str()).collect();
        assert!(named.contains(table.as_str()), "{table}: {named:?}");
        ended.fails(4, &[&format!("{table} has no rows")]);
        night.restore();
        night.is_quiet("whole again");
    }
}

#[test]
fn any_one_table_empty_is_stopped_the_odd_ones() {
    any_table_empty(0);
}

#[test]
fn any_one_table_empty_is_stopped_the_even_ones() {
    any_table_empty(1);
}

#[test]
fn a_lost_table_is_let_through_once_by_its_name_and_no_other() {
    let night = Night::new(200);
    // So that nothing but the table is the matter.
    night
        .place
        .set("guards", "max_changed = { share = 1.0, count = 0 }\nmax_member_purges = { share = 1.0, count = 0 }");
    let lose = || night.place.sql("DELETE FROM ssd_disability; DELETE FROM ssd_sdq_scores");
    lose();
    let ended = night.is_stopped("two tables");
    assert_eq!(flags(&ended.json()), ["--accept-table ssd_disability", "--accept-table ssd_sdq_scores"]);
    for (let_through, other) in [("ssd_disability", "ssd_sdq_scores"), ("ssd_sdq_scores", "ssd_disability")] {
        let ended = night.place.play(["run", "--json", "--accept-table", let_through]);
        assert_eq!(flags(&ended.json()), [format!("--accept-table {other}")], "{let_through}");
        assert_eq!(ended.code, Some(4));
    }
    night.restore();
    night.lets_through_once("two tables", lose);
}

#[test]
fn a_flag_for_one_less_does_not_do() {
    let night = Night::new(150);
    night.place.set("guards", "max_table_drop = { share = 0.99, count = 0 }");
    let less = |name: &str, lose: &str| {
        night.place.sql(lose);
        let report = night.is_stopped(name).json();
        let fired = fired(&report);
        assert_eq!(fired.len(), 1, "{fired:?}");
        assert_eq!(fired[0]["name"], name);
        let (count, flag) = (fired[0]["value"].as_u64().expect("a number"), fired[0]["flag"].as_str().expect("a flag"));
        let flag = flag.strip_suffix(&format!(" {count}")).expect("the flag has the number").to_owned();
        for (allowed, code) in [(0, 4), (count - 1, 4), (count, 0)] {
            let ended = night.place.play(["stage", &flag, &allowed.to_string()]);
            assert_eq!(ended.code, Some(code), "{flag} {allowed} of {count}: {}", ended.stderr);
        }
        night.place.play(["run"]).well();
        night.restore();
        night.place.play(["run", "--accept-changes", "1000"]).well();
    };
    less("max_gone", "DELETE FROM ssd_person WHERE rowid <= 30");
    less("max_changed", "UPDATE ssd_person SET pers_surname = 'Another'");
    night.place.set("guards", "max_member_purges = { share = 0.01, count = 5 }");
    less("max_member_purges", "DELETE FROM ssd_cin_plans WHERE rowid % 3 = 0");
}

#[test]
fn a_guard_fires_above_the_larger_of_share_and_count() {
    let night = Night::new(150);
    night.place.set("guards", "max_table_drop = { share = 0.99, count = 0 }");
    let known = night.place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    let gone = |lost: i64| {
        let lose = format!(
            "DELETE FROM ssd_person WHERE TRIM(pers_person_id) IN (SELECT person_id FROM {STAGING} ORDER BY id LIMIT {lost})"
        );
        night.place.sql(&lose);
        let report = night.place.play(["stage", "--dry-run", "--json"]).json();
        night.restore();
        let guard = guard(&report, "max_gone").clone();
        assert_eq!((&guard["value"], &guard["of"]), (&lost.into(), &known.into()), "{guard}");
        assert_eq!(report["exit_code"], if guard["fired"] == true { 4 } else { 0 }, "{report}");
        (guard["limit"].as_i64().expect("a number"), guard["fired"] == true)
    };
    // The defaults: the larger of five in a hundred and 25.
    assert!(known < 500);
    assert_eq!((gone(25), gone(26)), ((25, false), (25, true)));
    night.place.set("guards", "max_gone = { share = 0.05, count = 3 }");
    let share = known * 5 / 100;
    assert!(share > 3);
    assert_eq!((gone(share), gone(share + 1)), ((share, false), (share, true)));
    night.place.reconfigure("share = 0.05, count = 3", "share = 0.0, count = 2");
    assert_eq!((gone(2), gone(3)), ((2, false), (2, true)));
    night.place.reconfigure("share = 0.0, count = 2", "share = 0.0, count = 0");
    assert_eq!((gone(0), gone(1)), ((0, false), (0, true)));
}

#[test]
fn rows_of_a_table_may_fall_by_the_larger_of_share_and_count() {
    let night = Night::new(200);
    let table = "ssd_linked_identifiers";
    let count = || night.place.number(&format!("SELECT COUNT(*) FROM {table}"));
    let before = count();
    assert!(before > 300, "{before}");
    for (keys, most) in [("", before / 5), ("max_table_drop = { share = 0.01, count = 17 }", 17)] {
        night.place.set("guards", keys);
        for (lost, code) in [(most, 0), (most + 1, 4)] {
            night.place.sql(&format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT {lost})"));
            let ended = night.place.play(["stage", "--dry-run", "--json"]);
            let report = ended.json();
            let says = guard(&report, "max_table_drop");
            assert_eq!((&says["value"], &says["of"], &says["limit"]), (&json!(lost), &json!(before), &json!(most)));
            assert_eq!(ended.code, Some(code), "{lost} of {before}: {says}: {}", ended.stderr);
            night.restore();
        }
    }
}

#[test]
fn a_dry_run_and_a_plan_are_stopped_too_and_write_nothing() {
    let night = Night::new(150);
    night.halve();
    let tables = [STAGING, "ssd_api_submission_log", "ssd_api_run_log"];
    let state = || -> Vec<Vec<Vec<Sql>>> { tables.iter().map(|table| night.place.table(table)).collect() };
    let before = state();
    let mut said = Vec::new();
    for args in [&["plan", "--json"][..], &["stage", "--dry-run", "--json"], &["run", "--dry-run", "--json"]] {
        let ended = night.place.play(args);
        says_it_all(&ended);
        assert_eq!(ended.json()["exit_code"], 4);
        said.push(flags(&ended.json()));
        assert!(state() == before, "{args:?} wrote something");
    }
    let stopped = flags(&night.is_stopped("halved").json());
    assert!(said.iter().all(|flags| *flags == stopped), "{said:?}, {stopped:?}");
    // A dry run with the flags says that it would be let through; the next without them would not.
    let args = stopped.iter().flat_map(|flag| flag.split(' '));
    night.place.play(["run", "--dry-run"].into_iter().chain(args)).well();
    night.is_stopped("halved");
}

#[test]
fn a_stopped_run_is_nothing_to_compare_the_next_with() {
    let night = Night::new(150);
    let rows = night.place.number("SELECT COUNT(*) FROM ssd_cp_plans");
    night.place.sql("DELETE FROM ssd_cp_plans");
    let first = night.is_stopped("the first").json();
    // Neither is a run that only sends.
    night.place.play(["submit"]).well();
    let again = night.is_stopped("the same again").json();
    assert_eq!(first["guards"], again["guards"]);
    let of = guard(&again, "max_table_drop")["of"].as_i64().expect("rows");
    assert!(of > 0 && of <= rows, "{of} of {rows}");
    // What was let through is what the next run is compared with.
    let flags = flags(&again);
    let args = flags.iter().flat_map(|flag| flag.split(' '));
    night.place.play(["stage"].into_iter().chain(args)).well();
    night.place.play(["run"]).well();
    night.is_quiet("without child protection plans");
}

#[test]
fn a_first_run_over_an_empty_ssd_is_stopped() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.sql(&ssd_tables(&place).iter().map(|table| format!("DELETE FROM {table};")).collect::<String>());
    for command in ["plan", "stage", "run"] {
        let ended = place.play([command, "--json"]);
        ended.fails(4, &["no children"]);
        assert_eq!(flags(&ended.json()), ["--accept-empty"]);
    }
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING}")), 0);
    place.play(["run", "--accept-empty"]).well();
    place.play(["run"]).fails(4, &["no children"]);
    assert_eq!(dfe.stats().requests, 0);
    assert_eq!(place.number("SELECT COUNT(*) FROM ssd_api_run_log WHERE exit_code = 4"), 3);
}

#[test]
fn on_the_first_of_april_a_year_retires_and_no_guard_fires() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 400);
    let on = |day: &str, args: &[&str]| place.run(args.iter().copied().chain(["--run-date", day]));
    on("2027-03-31", &["run"]).well();
    // Not even the narrowest, for those who left and for tables.
    place.set("guards", "max_gone = { share = 0.0, count = 0 }\nmax_table_drop = { share = 0.0, count = 0 }");
    let report = on("2027-04-01", &["run", "--json"]).well().json();
    assert!(report["staged"]["left"].as_u64() > Some(0), "nobody left: {report}");
    assert_eq!(report["staged"]["gone"], 0);
    assert_eq!(fired(&report), Vec::<&Value>::new());
    assert_eq!(guard(&report, "max_gone")["value"], 0);
    assert_eq!(guard(&report, "max_member_purges")["value"], 0, "{report}");
    let second = on("2027-04-01", &["run", "--json"]).well().json();
    assert_eq!(second["staged"]["written"], 0, "{second}");
}

#[test]
fn a_table_whose_only_rows_are_of_a_child_who_aged_out_is_no_lost_table() {
    let place = Place::filled(NOBODY, 120);
    let on = |day: &str| place.run(["stage", "--json", "--run-date", day]);
    // Twenty-five for the last time in the window that ends with March.
    place.sql(
        "DELETE FROM ssd_permanence;
         UPDATE ssd_person SET pers_dob = '1998-06-01', pers_expected_dob = NULL WHERE rowid = 7;
         INSERT INTO ssd_permanence (perm_person_id, perm_adm_decision_date)
         SELECT pers_person_id, '2024-05-01' FROM ssd_person WHERE rowid = 7",
    );
    assert_eq!(on("2027-03-31").well().json()["rows"]["ssd_permanence"], 1);
    let ended = on("2027-04-01");
    assert_eq!(fired(&ended.json()), Vec::<&Value>::new(), "{}", ended.stderr);
}

#[test]
fn children_who_are_not_new_to_being_out_do_not_count_again() {
    let night = Night::new(150);
    night.place.set("guards", "max_table_drop = { share = 0.9, count = 0 }");
    night.place.sql("DELETE FROM ssd_person WHERE rowid <= 20");
    let first = night.place.play(["run", "--json"]).well().json();
    let gone = first["staged"]["gone"].as_u64().expect("a number");
    assert!((15..=20).contains(&gone), "{first}");
    night.place.sql("DELETE FROM ssd_person WHERE rowid <= 40");
    let second = night.place.play(["run", "--json"]).well().json();
    assert_eq!(guard(&second, "max_gone")["value"], second["staged"]["gone"]);
    assert!(guard(&second, "max_gone")["value"].as_u64() <= Some(20), "{second}");
    assert_eq!(DAY, second["run_date"]);
}

/// A refresh that lost birth dates or referrals empties the cohort without emptying `ssd_person`.
#[test]
fn children_who_leave_all_at_once_on_an_ordinary_night_are_stopped() {
    let night = Night::new(150);
    night.place.sql("UPDATE ssd_person SET pers_dob = '1980-01-01', pers_expected_dob = NULL WHERE rowid <= 40");
    let ended = night.is_stopped("left");
    says_it_all(&ended);
    let report = ended.json();
    assert_eq!(fired(&report).iter().map(|guard| &guard["name"]).collect::<Vec<_>>(), ["left"], "{report}");
    let flags = flags(&report);
    night.place.play(["run"].into_iter().chain(flags[0].split(' '))).well();
    night.is_quiet("let through");
}

#[test]
fn a_policy_that_becomes_purge_does_not_purge_everybody_at_once() {
    let night = Night::new(150);
    night.place.set("guards", "max_table_drop = { share = 0.99, count = 0 }");
    night.place.sql("DELETE FROM ssd_person WHERE rowid <= 40");
    night.place.play(["run", "--accept-gone", "40"]).well();
    night.place.set("deletions", "gone = \"purge\"\ngrace = \"0s\"");
    let ended = night.is_stopped("purges");
    says_it_all(&ended);
    let report = ended.json();
    assert_eq!(fired(&report).iter().map(|guard| &guard["name"]).collect::<Vec<_>>(), ["purges"], "{report}");
    let gone = night.place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE row_state = 'deleted'"));
    assert_eq!(flags(&report), [format!("--accept-gone {gone}")]);
    let run = night.place.play(["run", "--json", "--accept-gone", &gone.to_string()]).well().json();
    assert_eq!(run["submitted"]["purged"], gone, "{run}");
}
