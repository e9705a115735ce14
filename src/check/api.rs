//! The API, or whatever the sink is.

use std::sync::Arc;

use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::sink::{Record, Sink};
use jiff::SignedDuration;
use serde_json::json;

use super::outcome::Checks;
use crate::setup::Setup;

/// A clock that is further off makes tokens look spent, and certificates not yet valid.
const CLOCK: SignedDuration = SignedDuration::from_secs(60);

/// Asks the sink, and sends it the test child where that is asked for.
pub async fn check(setup: &Setup, sink: &Result<Arc<dyn Sink>>, send_test_record: bool, checks: &mut Checks) {
    let sink = match sink {
        Ok(sink) => sink,
        Err(error) => {
            for id in ["api.token", "clock", "api.test_record"] {
                checks.skip(id, "needs the configuration and its secrets");
            }
            // What the configuration says wrongly is told there; a folder that is missing is not.
            match error.kind() {
                Kind::Config => checks.skip("api.reach", "needs the configuration and its secrets"),
                _ => checks.fail("api.reach", error),
            }
            return;
        }
    };
    let probe = sink.probe().await;
    let adapter = &setup.config.sink.adapter;
    for (id, found) in [("api.token", &probe.token), ("api.reach", &probe.reach)] {
        match found {
            Some(found) => checks.tell(id, found),
            None => checks.skip(id, format!("{adapter} has no such thing")),
        }
    }
    match probe.clock_ahead {
        None => checks.skip("clock", "nobody answered who tells the time"),
        Some(ahead) if ahead.abs() > CLOCK => {
            let direction = if ahead.is_positive() { "behind" } else { "ahead of" };
            checks.warn(
                "clock",
                format!("this machine's clock is {} s {direction} the API's", ahead.as_secs().abs()),
                "let this machine set its clock by a time server",
            );
        }
        Some(ahead) => checks.pass("clock", format!("{} s between this machine and the API", ahead.as_secs().abs())),
    }
    let is_open = [&probe.token, &probe.reach].into_iter().flatten().all(|found| found.is_ok());
    match (send_test_record, is_open) {
        (false, _) => checks.skip("api.test_record", "not sent: ask for it with --send-test-record"),
        (true, false) => checks.skip("api.test_record", "not sent: needs api.token and api.reach"),
        (true, true) => test_record(setup, &**sink, checks).await,
    }
}

/// The child of the documented smoke test, who is nobody.
async fn test_record(setup: &Setup, sink: &dyn Sink, checks: &mut Checks) {
    let la_code = &setup.config.la_code;
    let id = format!("Fake1234{la_code}");
    let document = json!({
        "la_child_id": id,
        "mis_child_id": format!("MIS{la_code}"),
        "child_details": {
            "unique_pupil_number": "A123456789012",
            "first_name": "John",
            "surname": "Doe",
            "date_of_birth": "2022-06-14",
            "sex": "M",
            "ethnicity": "WBRI",
            "postcode": "AB12 3DE",
            "purge": false,
        },
        "purge": false,
    })
    .to_string();
    match sink.send(&[Record { person_id: &id, document: &document }]).await {
        Ok(_) => checks.pass("api.test_record", format!("the test child {id} was taken")),
        Err(failed) => checks.fail("api.test_record", &failed.error),
    }
}
