//! A table that D2I's script fills, and a DfE that merges: what the table says DfE holds is believed only where the row's own history
//! has it, and nothing is purged.

use serde_json::{Value, json};

use crate::api::{Api, Reply, took};
use crate::program::{Dfe, STAGING};
use crate::sql_filled::{Filled, TABLE, changed, hash, three};
use crate::way::{Way, asks_to_purge, plain};

#[test]
fn a_previous_document_that_dfe_never_had_is_not_believed_and_one_that_it_took_from_us_is() {
    let dfe = Dfe::merging();
    let filled = Filled::new(dfe.addr(), Way::MergePartial, TABLE);
    let place = &filled.place;
    let (child, [first, second, third]) = three(&filled);
    let texts = [&first, &second, &third].map(Value::to_string);
    let submit = |full: u64, partial: u64| {
        let report = place.play(["submit", "--json"]).well().json();
        let submitted = &report["submitted"];
        assert_eq!((&submitted["full"], &submitted["partial"]), (&json!(full), &json!(partial)), "{report}");
    };
    let held = || dfe.children().remove(&child).map(plain);

    // Changed before it was ever sent: the previous document is one that DfE never had.
    filled.first(&child, &texts[0]);
    filled.again(&child, &texts[1], hash(&texts[1]));
    submit(1, 0);
    assert_eq!(held(), Some(plain(second.clone())));

    // What DfE took from us, it has: the change alone goes.
    filled.again(&child, &texts[0], hash(&texts[0]));
    submit(0, 1);
    assert_eq!(held(), Some(plain(first.clone())));

    // Changed twice, and only the second change is to be sent: between them is a document that DfE never had.
    filled.again(&child, &texts[1], hash(&texts[1]));
    filled.again(&child, &texts[2], hash(&texts[2]));
    submit(1, 0);
    // What is missing may have retired: nothing is purged, and DfE keeps it.
    let kept = held().expect("held");
    assert_eq!(kept["child_details"]["surname"], "Third");
    let assessments = "/social_care_episodes/0/child_and_family_assessments";
    let count = |document: &Value| document.pointer(assessments).and_then(Value::as_array).map(Vec::len);
    assert_eq!(count(&kept), count(&first), "an assessment was purged");
}

#[test]
fn nothing_is_purged_of_a_table_filled_by_sql() {
    let api = Api::taking();
    let filled = Filled::new(api.addr(), Way::MergePartial, TABLE);
    let (child, [first, _, third]) = three(&filled);
    filled.first(&child, &first.to_string());
    filled.place.play(["submit"]).well();
    filled.again(&child, &third.to_string(), hash("third"));
    let report = filled.place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["partial"], 1, "{report}");
    assert!(!api.documents().iter().any(asks_to_purge), "{:?}", api.documents());
}

#[test]
fn their_hash_is_no_proof_of_what_dfe_had() {
    let dfe = Dfe::merging();
    let filled = Filled::new(dfe.addr(), Way::MergePartial, TABLE);
    let place = &filled.place;
    let (child, [first, second, _]) = three(&filled);
    // Factors, pupil numbers and more are not in their hash: two documents may share one (cohort fact sheet, section 5).
    let with = |factor: &str, document: &Value| {
        changed(document, "/social_care_episodes/0/child_and_family_assessments/0/factors", json!([factor]))
    };
    let sent = with("1A", &first);
    filled.first(&child, &sent.to_string());
    place.sql(&format!("UPDATE {STAGING} SET current_hash = x'{}'", "01".repeat(32)));
    place.play(["submit"]).well();
    // Another surname and back again: the hash of what was sent, and another factor, which was never sent.
    filled.again(&child, &second.to_string(), [2; 32]);
    filled.again(&child, &with("2A", &first).to_string(), [1; 32]);
    let last = with("2A", &second);
    filled.again(&child, &last.to_string(), [3; 32]);
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(dfe.children().remove(&child).map(plain), Some(plain(last)), "{report}");
}

#[test]
fn a_request_without_an_answer_makes_the_previous_document_doubtful() {
    let lose = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let losing = lose.clone();
    let api = Api::failing(move |request| match losing.load(std::sync::atomic::Ordering::SeqCst) {
        true => Reply::Close,
        false => took(request.records()),
    });
    let filled = Filled::new(api.addr(), Way::MergePartial, TABLE);
    let place = &filled.place;
    let (child, [first, second, third]) = three(&filled);
    filled.first(&child, &first.to_string());
    place.play(["submit"]).well();
    filled.again(&child, &second.to_string(), hash("second"));
    lose.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_ne!(place.play(["submit"]).code, Some(0));
    lose.store(false, std::sync::atomic::Ordering::SeqCst);
    place.age_intents();
    filled.again(&child, &third.to_string(), hash("third"));
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!((&report["submitted"]["full"], &report["submitted"]["partial"]), (&json!(1), &json!(0)), "{report}");
}

#[test]
fn a_document_changed_by_their_script_while_it_is_sent_is_sent_afterwards() {
    let changed = std::sync::Arc::new(std::sync::Mutex::new(None::<Box<dyn FnOnce() + Send>>));
    let meanwhile = changed.clone();
    let api = Api::failing(move |request| {
        if let Some(change) = meanwhile.lock().expect("unharmed").take() {
            change();
        }
        took(request.records())
    });
    let filled = Filled::new(api.addr(), Way::Replace, TABLE);
    let (child, [first, second, _]) = three(&filled);
    filled.first(&child, &first.to_string());
    let (path, sql) = (
        filled.place.path("cohort.db"),
        format!(
            "UPDATE {STAGING} SET previous_json_payload = json_payload, json_payload = ?, previous_hash = current_hash,
             current_hash = randomblob(32), submission_status = 'Pending', row_state = 'Updated'"
        ),
    );
    let text = second.to_string();
    *changed.lock().expect("unharmed") = Some(Box::new(move || {
        let database = rusqlite::Connection::open(path).expect("the database");
        database.execute(&sql, [text]).expect("a row");
    }));
    filled.place.play(["submit"]).well();
    let row = filled.place.row(&child);
    assert_eq!(row.says(), ("pending", "updated"));
    assert_eq!((row.held, row.document), (Some(first), second.clone()));
    filled.place.play(["submit"]).well();
    assert_eq!(api.documents().last(), Some(&second));
    assert_eq!(filled.place.row(&child).says(), ("sent", "unchanged"));
}
