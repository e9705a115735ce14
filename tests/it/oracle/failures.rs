//! What a run prints and leaves behind where something goes wrong between this machine and Oracle. The playbook lists each message with its
//! exit code.

use super::authority::{Authority, LOG, postgres};
use crate::program::{Dfe, NOBODY};

const PLAYBOOK: &str = include_str!("../../../docs/playbooks/azeus.md");

/// The playbook has this message, with this number and exit code, in its table.
fn is_in_the_playbook(says: &str, number: &str, code: i32) {
    let row = PLAYBOOK.lines().find(|line| line.starts_with("| `") && line.contains(says) && line.contains(number));
    let row = row.unwrap_or_else(|| panic!("the playbook has no \"{says}\" with {number}"));
    assert!(row.contains(&format!(" | {code} | ")), "the playbook has another exit code than {code}: {row}");
}

#[test]
fn a_logon_that_fails_ends_with_the_message_and_the_code_of_the_playbook() {
    let Some(postgres) = postgres() else { return };
    let authority = Authority::new(postgres, NOBODY);
    for (number, code, says) in [
        ("12541", 5, "cannot be reached: no listener answers there"),
        ("12170", 5, "cannot be reached: no answer came in time"),
        ("12514", 2, "is not known to the listener by that name"),
        ("12154", 2, "is a name that Oracle's client library cannot resolve"),
        ("1017", 1, "refused user or password"),
        ("28000", 1, "refused the logon: the account is locked"),
        ("28001", 1, "refused the logon: the account's password has expired"),
        ("28040", 1, "know no way to log on in common"),
    ] {
        authority.control.fail(number, "LOGIN", 1);
        let ended = authority.place.play(["stage"]);
        let said = ended.fails(code, &[says, &format!("(ORA-{number:0>5})")]);
        println!("{said}");
        is_in_the_playbook(says, number, code);
    }
}

#[test]
fn a_read_that_fails_in_its_midst_stages_nothing_and_the_next_run_is_fine() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(postgres, dfe.addr(), 100);
    authority.place.play(["run"]).well();
    for (what, number, code, says, printed) in [
        ("1555-after-rows=20", "1555", 1, "no longer knows how a table looked when the read began", "(ORA-01555)"),
        ("1466", "1466", 1, "refreshed a table while it was read", "(ORA-01466)"),
        ("8103-after-rows=20", "8103", 1, "refreshed a table while it was read", "(ORA-08103)"),
        ("1013-after-rows=20", "1013", 1, "broke off a statement: somebody cancelled it", "(ORA-01013)"),
        ("drop-after-rows=20", "3113", 5, "the connection to", "was lost"),
        ("drop", "3114", 5, "the connection to", "was lost"),
    ] {
        authority.place.play(["mutate", "--percent", "10"]).well();
        let before = authority.staging();
        authority.control.fail(what, "t.\"CINE_REFERRAL_DATE\"", 1);
        let ended = authority.place.play(["run"]);
        println!("{}", ended.fails(code, &[says, printed]));
        is_in_the_playbook(says, number, code);
        assert!(authority.staging() == before, "{what}: a row of the staging table was written");
        authority.place.play(["run"]).well();
        authority.converged(&dfe);
    }
    authority.is_quiet(&dfe);
}

#[test]
fn a_staging_table_that_cannot_be_written_is_told_and_the_next_run_is_fine() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(postgres, dfe.addr(), 100);
    for (what, code, says) in [("1653", 1, "cannot write: a tablespace is full"), ("drop", 5, "the connection to")] {
        authority.control.fail(what, "INSERT INTO \"SSD_API_DATA_STAGING\"", 1);
        println!("{}", authority.place.play(["run"]).fails(code, &[says]));
        assert_eq!((authority.count("pending"), dfe.stats().records), (0, 0), "{what}");
    }
    is_in_the_playbook("cannot write: a tablespace is full", "1653", 1);
    authority.place.play(["run"]).well();
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
}

/// The answer came, and nobody could write it down: a later run asks again, and no child is lost.
#[test]
fn a_connection_lost_before_an_answer_is_written_leaves_an_open_request_that_the_next_run_takes_up() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::staged(postgres, dfe.addr(), 40);
    authority.control.fail("drop", "MERGE INTO \"SSD_API_DATA_STAGING\"", 1);
    let ended = authority.place.play(["submit"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!((dfe.children().len(), authority.open_intents()), (40, 40));
    // A request may be on its way for so long.
    authority.place.play(["submit"]).well();
    assert_eq!(authority.count("sent"), 0, "a request that may yet be answered was repeated");
    authority.sql(&format!("UPDATE {LOG} SET \"OPENED_AT\" = '2001-01-01' WHERE \"OUTCOME\" IS NULL"));
    authority.place.play(["submit"]).well();
    assert_eq!((authority.count("sent"), authority.open_intents()), (40, 0));
    authority.place.play(["stage"]).well();
    assert_eq!(authority.count("sent"), 40);
}
