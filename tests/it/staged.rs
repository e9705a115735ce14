//! Cohorts staged once for all tests, with nothing sent yet: each test gets a copy of the database.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::program::{NOBODY, Place, STAGING};

/// Databases by their number of rows.
static MADE: Mutex<BTreeMap<usize, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());

/// A folder with so many pending rows, and a configuration that sends them to `api`.
pub fn staged(api: SocketAddr, rows: usize) -> Place {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let database = made.entry(rows).or_insert_with(|| Arc::new(database(rows))).clone();
    drop(made);
    let place = Place::new(api);
    std::fs::write(place.path("cohort.db"), database.as_slice()).expect("a copy");
    place
}

/// Of a database with so many pending rows. The SSD is left out: sending does not read it.
fn database(rows: usize) -> Vec<u8> {
    // Not every made-up child belongs to the cohort.
    let place = Place::filled(NOBODY, rows + rows / 5 + 20);
    place.play(["stage"]).well();
    place.sql(&format!("DELETE FROM {STAGING} WHERE id NOT IN (SELECT id FROM {STAGING} ORDER BY id LIMIT {rows})"));
    assert_eq!(place.count("pending"), rows as i64, "too few children are in the cohort");
    let tables = place.text(
        "SELECT group_concat('DROP TABLE \"' || name || '\";', ' ') FROM sqlite_schema
         WHERE type = 'table' AND name LIKE 'ssd%' AND name NOT LIKE 'ssd_api_%'",
    );
    place.sql(&format!("PRAGMA foreign_keys = OFF; {tables} VACUUM"));
    std::fs::read(place.path("cohort.db")).expect("the database")
}

/// Gives the row so many behind the first a surname that a DfE may dislike, and names its child.
pub fn spoil(place: &Place, number: usize, surname: &str) -> String {
    let child = place.child(number);
    place.sql(&format!(
        "UPDATE {STAGING} SET json_payload = json_set(json_payload, '$.child_details.surname', '{surname}') WHERE person_id = '{child}'"
    ));
    child
}

/// Requests of which it is not known whether they were taken.
pub fn open_intents(place: &Place) -> i64 {
    place.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL")
}
