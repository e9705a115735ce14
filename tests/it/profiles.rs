//! Every CMS profile, over an SSD in SQLite that has that CMS's names and spellings: two nights with changes between them, and in
//! the end DfE holds what the SSD says.

use std::collections::BTreeSet;
use std::path::Path;

use csc_bridge_core::config::{Names, load_definition, load_profile};
use serde_json::Value;

use crate::program::{Dfe, Place, STAGING, configuration};

#[test]
fn systemc_converges() {
    converges("systemc");
}

#[test]
fn mosaic_converges() {
    converges("mosaic");
}

#[test]
fn eclipse_converges() {
    converges("eclipse");
}

#[test]
fn azeus_converges() {
    converges("azeus");
}

/// Azeus's names are those of the definition, in upper case, as Oracle's dictionary has them: none is missing, and none is another. The
/// playbook's script makes just these tables and columns, and what the notes say of long names is so.
#[test]
fn azeus_names_every_table_and_column_in_upper_case_and_the_script_makes_them() {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("the definition");
    let profile = load_profile("azeus", Path::new(".")).expect("the profile");
    let names = Names::new(&profile.schema, [&profile.tables]);
    let (mut wanted, mut named, mut long) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (table, columns) in &definition.tables {
        assert_eq!(names.table(table).map(|name| name.table), Some(table.to_uppercase()));
        for column in columns.columns.keys() {
            wanted.insert((table.to_uppercase(), column.to_uppercase()));
            named.insert((table.to_uppercase(), names.column(table, column).expect("a column that Azeus has")));
            if column.len() > 30 {
                long.push(column.as_str());
            }
        }
    }
    assert_eq!(named, wanted);
    assert_eq!(made_by(include_str!("../../docs/playbooks/azeus-ssd.sql")), wanted);
    assert_eq!(long.len(), 5, "{long:?}");
    for text in [include_str!("../../config/cms/azeus.toml"), include_str!("../../docs/playbooks/azeus.md")] {
        assert!(long.iter().all(|column| text.contains(column)), "a note lacks one of {long:?}");
    }
}

/// Tables and columns of a script that has a column to a line, in upper case.
fn made_by(script: &str) -> BTreeSet<(String, String)> {
    let (mut made, mut table) = (BTreeSet::new(), String::new());
    for line in script.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("CREATE"), Some("TABLE"), Some(name)) => table = name.to_uppercase(),
            (Some(column), Some(_), _) if line.starts_with("    ") => {
                made.insert((table.clone(), column.to_uppercase()));
            }
            _ => {}
        }
    }
    made
}

fn converges(cms: &str) {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    place.write("csc-bridge.toml", &configuration(cms, dfe.addr()));
    place.play(["generate", "--children", "300"]).well();

    let first = place.play(["run", "--json"]).well().json();
    let cohort = first["staged"]["cohort"].as_u64().expect("a number");
    assert!(cohort > 200, "{first}");
    assert_eq!(first["submitted"]["sent"], cohort);
    compare(cms, &place, &dfe);

    place.play(["mutate", "--percent", "20"]).well();
    let second = place.play(["run", "--json"]).well().json();
    let changed = count(&second, "new") + count(&second, "updated") + count(&second, "returned");
    assert!(changed > 5, "{second}");
    assert_eq!(second["submitted"]["sent"], changed);
    compare(cms, &place, &dfe);

    let third = place.play(["run", "--json"]).well().json();
    assert_eq!(third["submitted"]["requests"], 0, "{third}");
    assert_eq!(third["staged"]["written"], 0, "{third}");
}

fn count(report: &Value, key: &str) -> u64 {
    report["staged"][key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"))
}

/// DfE holds what the SSD says. Where a CMS makes record ids anew each night (SystemC), those ids are out of the comparison, as they
/// are out of the hash: a child in whom nothing else changed is not sent again.
fn compare(cms: &str, place: &Place, dfe: &Dfe) {
    let unstable: &[&str] = match cms {
        "systemc" => &[
            "social_care_episode_id",
            "child_and_family_assessment_id",
            "child_in_need_plan_id",
            "section_47_assessment_id",
            "child_protection_plan_id",
            "child_looked_after_placement_id",
        ],
        _ => &[],
    };
    let (mut wanted, mut held) = (place.documents(), dfe.children());
    for document in wanted.values_mut().chain(held.values_mut()) {
        forget(document, unstable);
    }
    for (child, document) in &wanted {
        assert!(held.get(child) == Some(document), "{cms}: DfE holds something else of {child}");
    }
    // Of a child who has gone or left, DfE keeps the last document.
    let others: Vec<&String> = held.keys().filter(|child| !wanted.contains_key(*child)).collect();
    for child in others {
        let state = place.text(&format!("SELECT row_state FROM {STAGING} WHERE person_id = '{child}'"));
        assert!(["deleted", "left"].contains(&state.as_str()), "{cms}: {child} is {state}");
    }
}

/// Takes these keys out, wherever they stand.
pub fn forget(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !keys.contains(&key.as_str()));
            members.values_mut().for_each(|member| forget(member, keys));
        }
        Value::Array(members) => members.iter_mut().for_each(|member| forget(member, keys)),
        _ => {}
    }
}
