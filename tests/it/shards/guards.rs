//! A guard that fires in one shard stops that shard alone; its limits are a share of the whole's.

use csc_bridge_core::staging::Shard;

use super::town::Town;
use crate::night::{flags, guard};
use crate::program::{DAY, NOBODY, Place};

#[test]
fn a_guard_that_fires_in_one_shard_stops_that_shard_alone() {
    let place = Place::filled(NOBODY, 300);
    let town = Town::on_sqlite(&place);
    for ended in town.four_at_once(DAY) {
        ended.well();
    }
    let second = Shard::new(2, 4).expect("a shard");
    let before = town.table();
    let lost: Vec<&String> = before.keys().filter(|id| second.has(id)).take(20).collect();
    assert_eq!(lost.len(), 20, "the shard is too small");
    for id in &lost {
        place.sql(&format!("DELETE FROM ssd_person WHERE pers_person_id = '{id}'"));
    }
    // Of the others one each, so that something is to be seen of them.
    let other = |at| before.keys().find(|id| Shard::new(at, 4).expect("a shard").has(id)).expect("a child");
    let others = [1, 3, 4].map(other);
    for id in others {
        place.sql(&format!("DELETE FROM ssd_person WHERE pers_person_id = '{id}'"));
    }

    let ended = town.four_at_once(DAY);
    let codes: Vec<Option<i32>> = ended.iter().map(|ended| ended.code).collect();
    assert_eq!(codes, [Some(0), Some(0), Some(4), Some(0)], "of 0/4 to 3/4");
    let report = ended[2].json();
    ended[2].fails(4, &["a guard stopped the run", "20 of", "children are gone"]);
    // A quarter of 25, rounded up; of the whole 5 % would be more than this, and 20 would pass.
    assert_eq!((&guard(&report, "max_gone")["value"], &guard(&report, "max_gone")["limit"]), (&20.into(), &7.into()));
    let after = town.table();
    for (id, row) in &before {
        let is_gone = others.contains(&id);
        assert_eq!(row == &after[id], !is_gone, "{id} is {}", after[id]);
    }

    // The flags let exactly that through, in the shard that says them.
    let accepted = flags(&report);
    assert_eq!(accepted, ["--accept-gone 20"]);
    let again = town.run(DAY, &["stage", "--json", "--shard", "2/4", "--accept-gone", "20"]).well().json();
    assert_eq!(again["staged"]["gone"], 20);
    for ended in town.four_in_turn(DAY) {
        assert_eq!(ended.well().json()["staged"]["written"], 0);
    }
}

/// The shards together are the last run of the whole, so that a table is compared with what they saw.
#[test]
fn a_whole_run_is_compared_with_the_shards_before_it() {
    let place = Place::filled(NOBODY, 200);
    let town = Town::on_sqlite(&place);
    for ended in town.four_in_turn(DAY) {
        ended.well();
    }
    let rows = place.number("SELECT COUNT(*) FROM ssd_disability");
    place.sql("DELETE FROM ssd_disability");
    let report = town.run(DAY, &["stage", "--json"]).json();
    assert!(flags(&report).contains(&"--accept-table ssd_disability".to_owned()), "{report}");
    let guards = report["guards"].as_array().expect("guards");
    let table = guards.iter().find(|guard| guard["table"] == "ssd_disability").expect("a guard");
    assert_eq!(table["of"], rows);
}
