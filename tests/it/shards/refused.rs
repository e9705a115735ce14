//! Who may not stage, and what is no shard.

use csc_bridge_test_postgres::shared;

use super::town::{Town, end};
use crate::postgres::authority::Authority;
use crate::postgres::session::Session;
use crate::program::{DAY, NOBODY, Place};

#[test]
fn what_has_children_in_common_with_a_shard_at_work_is_refused() {
    let Some(server) = shared() else { return };
    let authority = Authority::filled(server, NOBODY, 100);
    authority.place.reconfigure("\"10s\"", "\"10m\"");
    let town = Town {
        place: &authority.place,
        rows: Box::new(|| authority.rows("SELECT * FROM ssd_api_data_staging")),
        sql: Box::new(|sql| drop(authority.sql(sql))),
    };
    town.run(DAY, &["stage"]).well();
    (town.sql)("UPDATE ssd_person SET pers_sex = 'M'");
    // A refresh, at which a read session waits once it has the lock of `stage`.
    let refresh = Session::open(server, &authority.database);
    refresh.run("BEGIN; LOCK TABLE ssd_person IN ACCESS EXCLUSIVE MODE");
    let waiting = || authority.number("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'");
    let mut working = Vec::new();
    for shard in ["1/2", "0/2"] {
        working.push(town.start(DAY, shard, &[]));
        while waiting() < i64::try_from(working.len()).expect("a number") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    let busy = "another csc-bridge stages ssd_api_data_staging at this moment";
    for shard in ["1/2", "2/2", "1/4", "1/1"] {
        town.run(DAY, &["stage", "--shard", shard]).fails(1, &[busy, "shard"]);
    }
    town.run(DAY, &["stage"]).fails(1, &[busy]);
    town.run(DAY, &["run"]).fails(1, &[busy]);
    refresh.run("COMMIT");
    let updated = working.into_iter().map(|process| end(process).well().json()["staged"]["updated"].as_u64());
    let updated: u64 = updated.map(|count| count.expect("a count")).sum();
    assert!(updated > 20, "{updated}");
    assert_eq!(town.run(DAY, &["stage", "--json"]).well().json()["staged"]["written"], 0);
}

#[test]
fn what_is_no_shard_is_a_fault_of_the_command_line() {
    let place = Place::new(NOBODY);
    for wrong in ["5/4", "1", "1/0", "a/b", "1/1001", "-1/4", ""] {
        let ended = place.run(["stage", &format!("--shard={wrong}")]);
        assert_eq!(ended.code, Some(2), "{wrong}: {}", ended.stderr);
        let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", ended.stderr);
        assert!(
            errors[0].contains("--shard <I/N>") && (wrong.is_empty() || errors[0].contains("1/4")),
            "{}",
            errors[0]
        );
    }
    for command in ["run", "submit", "plan"] {
        assert_eq!(place.run([command, "--shard", "1/4"]).code, Some(2), "{command}");
    }
}
