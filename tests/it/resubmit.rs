//! `resubmit`: children of a list are marked, go out in full with the next night, and nobody is named.

use std::fs::File;

use serde_json::{Value, json};

use crate::api::{Api, Reply};
use crate::program::{Dfe, Ended, NOBODY, Place, STAGING};
use crate::purges::{form, goes, leaves, sent};
use crate::sql_filled::{Filled, TABLE, changed};
use crate::staged::staged;
use crate::way::{WAYS, Way, converged};

/// A place whose children DfE holds.
fn held(way: Way, dfe: &Dfe) -> Place {
    sent(way, dfe.addr(), "gone = \"mark\"")
}

fn list(place: &Place, lines: &[&str]) {
    place.write("ids.csv", &format!("{}\n", lines.join("\n")));
}

fn resubmit(place: &Place) -> Ended {
    place.run(["resubmit", "--file", "ids.csv", "--json"])
}

/// What became of the list, without the lines.
fn counts(ended: &Ended) -> [u64; 7] {
    let report = ended.json();
    let count = |key: &str| report["resubmit"][key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"));
    ["listed", "marked", "already_pending", "out", "kept", "waiting", "unknown"].map(count)
}

/// A night: so many full documents leave, and nothing else. Where DfE merges `stage` prepares them.
fn sends_in_full(way: Way, place: &Place, dfe: &Dfe, count: u64) {
    let records = dfe.stats().records;
    let command = if way == Way::Replace { "submit" } else { "run" };
    let report = place.play([command, "--json"]).well().json();
    let found = [&report["submitted"]["sent"], &report["submitted"]["full"]];
    assert_eq!(found, [&json!(count), &json!(count)], "{way:?}: {report}");
    assert_eq!(dfe.stats().records, records + count, "{way:?}");
    converged(place, dfe);
}

fn rename(place: &Place, child: &str, surname: &str) {
    place.sql(&format!("UPDATE ssd_person SET pers_surname = '{surname}' WHERE TRIM(pers_person_id) = '{child}'"));
}

fn surname(place: &Place, child: &str) -> String {
    place.text(&format!("SELECT pers_surname FROM ssd_person WHERE TRIM(pers_person_id) = '{child}'"))
}

#[test]
fn listed_children_go_out_in_full_with_the_next_night_and_nobody_else_does() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = held(way, &dfe);
        let children = [place.child(3), place.child(7), place.child(11)];
        list(&place, &[&children[2], "", &children[0], &children[1], &format!("\"{}\"", children[0])]);
        let (requests, before) = (dfe.stats().requests, place.table(STAGING));

        let ended = resubmit(&place).well();
        assert_eq!(counts(&ended), [3, 3, 0, 0, 0, 0, 0], "{way:?}");
        assert_eq!(ended.json()["resubmit"]["lines"], json!({}));
        assert_eq!(dfe.stats().requests, requests, "{way:?}: something was sent");
        assert_eq!(place.count("pending"), 3, "{way:?}");
        for child in &children {
            assert_eq!(place.row(child).says(), ("pending", "unchanged"), "{way:?}");
        }
        let others = |table: Vec<Vec<rusqlite::types::Value>>| -> Vec<Vec<rusqlite::types::Value>> {
            let is_listed = |row: &Vec<_>| children.iter().any(|child| row.contains(&child.clone().into()));
            table.into_iter().filter(|row| !is_listed(row)).collect()
        };
        assert!(others(place.table(STAGING)) == others(before), "{way:?}: another row was touched");
        assert_eq!(place.text("SELECT command FROM ssd_api_run_log ORDER BY id DESC LIMIT 1"), "resubmit");

        assert_eq!(counts(&resubmit(&place).well()), [3, 0, 3, 0, 0, 0, 0], "{way:?}: once is enough");
        if way != Way::Replace {
            let alone = place.play(["submit", "--json"]).well().json();
            assert_eq!(alone["submitted"]["requests"], 0, "nothing is prepared yet: {alone}");
        }
        sends_in_full(way, &place, &dfe, 3);
        assert_eq!(place.count("sent"), place.number(&format!("SELECT COUNT(*) FROM {STAGING}")), "{way:?}");
        sends_in_full(way, &place, &dfe, 0);
    }
}

#[test]
fn a_child_whose_change_waits_goes_out_in_full_even_if_the_change_is_taken_back() {
    for way in WAYS {
        for taken_back in [false, true] {
            let dfe = way.dfe();
            let place = held(way, &dfe);
            let (child, other) = (place.child(4), place.child(5));
            let was = surname(&place, &child);
            rename(&place, &child, "Changed");
            rename(&place, &other, "Changed");
            place.play(["stage"]).well();
            list(&place, &[&child]);
            assert_eq!(counts(&resubmit(&place).well()), [1, 1, 0, 0, 0, 0, 0], "{way:?}");
            let row = place.row(&child);
            assert_eq!((row.says(), &row.outgoing), (("pending", "updated"), &None), "{way:?}");
            assert_eq!(row.previous_hash, Some(vec![0; 32]), "{way:?}");
            assert_eq!(counts(&resubmit(&place).well()), [1, 0, 1, 0, 0, 0, 0], "{way:?}");
            if taken_back {
                rename(&place, &child, &was);
            }
            let report = place.play(["run", "--json"]).well().json();
            let partial = u64::from(way == Way::MergePartial);
            let found = [&report["submitted"]["full"], &report["submitted"]["partial"]];
            assert_eq!(found, [&json!(2 - partial), &json!(partial)], "{way:?}, {taken_back}: {report}");
            converged(&place, &dfe);
        }
    }
}

#[test]
fn a_mark_survives_a_change_that_comes_after_it_and_is_taken_back() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = held(way, &dfe);
        let child = place.child(4);
        let was = surname(&place, &child);
        list(&place, &[&child]);
        resubmit(&place).well();
        rename(&place, &child, "Changed");
        place.play(["stage"]).well();
        rename(&place, &child, &was);
        place.play(["stage"]).well();
        sends_in_full(way, &place, &dfe, 1);
    }
}

#[test]
fn who_cannot_be_marked_is_told_by_line_and_the_rest_is_marked() {
    let dfe = Dfe::start();
    let place = held(Way::Replace, &dfe);
    let [gone, left, testing, withdrawn, waiting, failed, good] = [2, 3, 4, 5, 6, 7, 8].map(|at| place.child(at));
    goes(&place, &gone);
    leaves(&place, &left);
    place.play(["stage"]).well();
    let word = |child: &str, word: &str| {
        place.sql(&format!("UPDATE {STAGING} SET submission_status = '{word}' WHERE person_id = '{child}'"));
    };
    word(&testing, "testing");
    word(&withdrawn, "withdrawn");
    word(&failed, "Error");
    place.sql(&format!(
        "INSERT INTO ssd_api_submission_log (attempt_id, run_id, attempt, person_id, kind, hash_sent, opened_at)
         VALUES ('x', 'x', 1, '{waiting}', 'full', x'00', strftime('%Y-%m-%d %H:%M:%f', 'now'))"
    ));
    let before = [&gone, &left, &testing, &withdrawn, &waiting, &failed].map(|child| place.row(child));
    let nobody = format!("0{good}");
    let lines = ["name,person_id", &format!("a,{good}"), &format!("b,{gone}"), &format!("c,{nobody}"), "d,"];
    let more = [&left, &testing, &withdrawn, &waiting, &failed].map(|child| format!("e,{child}"));
    let lines: Vec<&str> = lines.into_iter().chain(more.iter().map(String::as_str)).collect();
    list(&place, &lines);

    let ended = resubmit(&place);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(counts(&ended), [9, 1, 1, 3, 1, 1, 2], "{}", ended.stderr);
    let told = json!({ "out": [3, 6, 8], "kept": [7], "waiting": [9], "unknown": [4, 5] });
    assert_eq!(ended.json()["resubmit"]["lines"], told);
    assert!(ended.stderr.contains("2: lines 4-5") && ended.stderr.contains("3: lines 3, 6, 8"), "{}", ended.stderr);
    let after = [&gone, &left, &testing, &withdrawn, &waiting, &failed].map(|child| place.row(child));
    assert!(after == before, "a row that cannot be marked was touched");
    assert_eq!(place.row(&good).says(), ("pending", "unchanged"));
    assert_eq!(place.number("SELECT exit_code FROM ssd_api_run_log ORDER BY id DESC LIMIT 1"), 3);

    // Who waited goes out in full by itself, once the answer counts as lost.
    place.age_intents();
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["recovered"]["unsure"], 1, "{report}");
    let sent = [&good, &waiting, &failed];
    assert!(sent.iter().all(|child| place.row(child).says() == ("sent", "unchanged")), "{report}");
    assert!(dfe.children().contains_key(&gone) && dfe.children().contains_key(&left));
}

#[test]
fn a_purge_that_is_staged_stays_one() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = sent(way, dfe.addr(), "gone = \"purge\"\ngrace = \"0s\"");
        let child = place.child(3);
        let document = place.row(&child).document;
        goes(&place, &child);
        place.play(["stage"]).well();
        place.play(["stage"]).well();
        list(&place, &[&child]);
        let before = place.row(&child);
        assert_eq!(before.outgoing, Some(form(&document)), "{way:?}");
        assert_eq!(counts(&resubmit(&place)), [1, 0, 0, 1, 0, 0, 0], "{way:?}");
        assert!(place.row(&child) == before, "{way:?}");
        assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["purged"], 1, "{way:?}");
        assert!(!dfe.children().contains_key(&child), "{way:?}");
    }
}

#[test]
fn no_id_of_the_list_is_told_anywhere() {
    let place = staged(NOBODY, 30);
    place.set("log", "level = \"trace\"\nids = \"plain\"");
    place.sql(&format!("UPDATE {STAGING} SET person_id = 'KNOWNCANARY' WHERE id = 3"));
    place.write("ids.csv", "person_id\nKNOWNCANARY\nUNKNOWNCANARY\n\"QUOTEDCANARY\n");
    let broken = place.run(["resubmit", "-f", "ids.csv", "-vv", "--json"]);
    broken.fails(2, &["ids.csv, line 4", "quote"]);
    list(&place, &["person_id", "KNOWNCANARY", "UNKNOWNCANARY", &format!("LONGCANARY{}", "x".repeat(300))]);
    let ended = place.run(["resubmit", "-f", "ids.csv", "-vv", "--json"]);
    assert_eq!((ended.code, counts(&ended)), (Some(3), [3, 0, 1, 0, 0, 0, 2]), "{}", ended.stderr);
    let logged: String = place.state_files().into_iter().map(|(_, text)| text).collect();
    assert!(logged.contains("lines 3-4"), "{logged}");
    let run = place.text("SELECT group_concat(report) FROM ssd_api_run_log");
    for text in [broken.stdout, broken.stderr, ended.stdout, ended.stderr, logged, run] {
        assert!(!text.contains("CANARY"), "{text}");
    }
}

#[test]
fn a_dry_run_tells_the_same_and_marks_nothing() {
    let dfe = Dfe::start();
    let place = held(Way::Replace, &dfe);
    list(&place, &[&place.child(3), &place.child(4), "nobody"]);
    let tables = || [STAGING, "ssd_api_submission_log", "ssd_api_run_log"].map(|table| place.table(table));
    let before = tables();
    let dry = place.run(["resubmit", "--file", "ids.csv", "--dry-run", "--json"]);
    assert_eq!((dry.code, &dry.json()["dry_run"]), (Some(3), &json!(true)), "{}", dry.stderr);
    assert_eq!(counts(&dry), [3, 2, 0, 0, 0, 0, 1]);
    assert!(tables() == before, "something was written");
    assert_eq!(counts(&resubmit(&place)), counts(&dry));
}

#[test]
fn while_another_process_stages_or_sends_nothing_is_marked() {
    let dfe = Dfe::start();
    let place = held(Way::Replace, &dfe);
    list(&place, &[&place.child(3)]);
    resubmit(&place).well();
    place.play(["run"]).well();
    let before = place.table(STAGING);
    for (end, word) in [(".stage.lock", "stages"), (".submit.lock", "sends from")] {
        let files = std::fs::read_dir(place.path(".")).expect("the folder");
        let path = files.map(|file| file.expect("a file").path());
        let path = path.into_iter().find(|path| path.to_string_lossy().ends_with(end)).expect("a lock");
        let file = File::options().write(true).open(path).expect("the lock");
        file.try_lock().expect("nobody holds it");
        resubmit(&place).fails(1, &["another csc-bridge", word]);
        assert!(place.table(STAGING) == before, "{end}");
        // Whoever only looks waits for nobody.
        place.run(["resubmit", "--file", "ids.csv", "--dry-run"]).well();
    }
    assert_eq!(counts(&resubmit(&place).well()), [1, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_file_that_is_no_list_is_one_error_with_its_line_and_nothing_is_written() {
    let place = staged(NOBODY, 30);
    let before = place.table(STAGING);
    let child = place.child(3);
    for (bytes, words) in [
        (format!("{child}\n\u{e9}\n").chars().map(|c| c as u8).collect::<Vec<u8>>(), vec!["line 2", "UTF-8"]),
        (child.encode_utf16().flat_map(u16::to_le_bytes).collect(), vec!["line 1", "UTF-8"]),
        (format!("{child}\r\n\"x").into_bytes(), vec!["line 2", "never closed"]),
        (format!("{child}\r\n\r\n\"x\" y\r\n").into_bytes(), vec!["line 3", "closing quote"]),
        (format!("surname,number\r\nx,{child}\r\n").into_bytes(), vec!["line 1", "several columns"]),
        (b"\xef\xbb\xbfperson_id\r\n".to_vec(), vec!["names no child"]),
    ] {
        std::fs::write(place.path("ids.csv"), &bytes).expect("a file");
        let ended = resubmit(&place);
        ended.fails(2, &[&["ids.csv"], words.as_slice()].concat());
        assert_eq!(ended.json()["error"]["kind"], "Config");
    }
    place.run(["resubmit", "-f", "other.csv"]).fails(2, &["other.csv cannot be read"]);
    place.run(["resubmit", "-f", "."]).fails(2, &["cannot be read"]);
    assert_eq!(place.run(["resubmit"]).code, Some(2));
    assert!(place.table(STAGING) == before, "a row was touched");
    assert_eq!(place.number("SELECT COUNT(*) FROM ssd_api_run_log WHERE command = 'resubmit'"), 0);

    // And one that looks like no list is one.
    let odd = format!(
        "\u{feff}\r\n\"LA_Child_ID\" ,note\r\n\u{a0}{child}\u{3000},\"a \"\"b\"\"\nc\"\r\n\r\n,,\r\n{child}\r\n"
    );
    place.write("ids.csv", &odd);
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'sent'"));
    assert_eq!(counts(&resubmit(&place).well()), [1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(place.row(&child).status, "pending");
}

#[test]
fn without_a_staging_table_there_is_nobody_to_mark() {
    let place = Place::filled(NOBODY, 20);
    list(&place, &["1"]);
    resubmit(&place).fails(1, &["there is no staging table yet"]);
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%'"), 0);
}

#[test]
fn of_a_table_filled_by_sql_the_newest_row_is_sent_again() {
    for way in [Way::Replace, Way::MergeFull] {
        let dfe = way.dfe();
        let filled = Filled::new(dfe.addr(), way, TABLE);
        let place = &filled.place;
        let (child, document) = filled.some(1).remove(0);
        let old = filled.first(&child, &changed(&document, "/child_details/sex", json!("U")).to_string());
        filled.first(&child, &document.to_string());
        place.sql(&format!("UPDATE {STAGING} SET submission_status = 'Sent'; UPDATE {STAGING} SET last_updated = '2020-01-01 00:00:00' WHERE id = {old}"));
        let before = filled.whole_row(old);
        list(place, &["id", &child]);
        assert_eq!(counts(&resubmit(place).well()), [1, 1, 0, 0, 0, 0, 0], "{way:?}");
        assert_eq!(dfe.stats().requests, 0, "{way:?}");
        let report = place.play(["submit", "--json"]).well().json();
        assert_eq!((&report["submitted"]["full"], dfe.stats().records), (&json!(1), 1), "{report}");
        assert_eq!(dfe.children()[&child]["child_details"]["sex"], document["child_details"]["sex"], "{way:?}");
        assert_eq!(filled.whole_row(old), before, "{way:?}");
    }
    // Where the sender itself makes parts, no mark could ask for all.
    let filled = Filled::new(NOBODY, Way::MergePartial, TABLE);
    list(&filled.place, &["1"]);
    resubmit(&filled.place).fails(2, &["managed_by = \"sql\"", "mode = \"partial\""]);
}

#[test]
fn a_request_that_only_the_log_on_this_machine_knows_is_waited_for() {
    let api = Api::failing(|_| Reply::Close);
    let place = staged(api.addr(), 10);
    place.sql("DROP TABLE ssd_api_submission_log; DROP TABLE ssd_api_run_log");
    place.set("staging", "create = \"never\"");
    place.play(["submit"]);
    let child = place.child(3);
    list(&place, &[&child]);
    let ended = resubmit(&place);
    assert_eq!((ended.code, counts(&ended)), (Some(3), [1, 0, 0, 0, 0, 1, 0]), "{}", ended.stderr);
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["last_run"]["command"], Value::from("resubmit"), "{status}");
}
