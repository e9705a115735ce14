//! What becomes of rows that were written by hand: from tables of a CMS's own types to the documents that DfE holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::authority::{Authority, Cms, postgres};
use crate::program::Dfe;

/// What DfE holds after a night, and the findings of the run, by rule.
pub struct Outcome {
    documents: BTreeMap<String, Value>,
    findings: BTreeMap<String, u64>,
}

/// Puts rows into `tables` and runs a night. None where no PostgreSQL is installed.
pub fn outcome(cms: Cms, tables: &str, rows: &str) -> Option<Outcome> {
    prepared(cms, tables, rows, |_| {})
}

/// The same after this was done to the tables, or to the configuration.
pub fn prepared(cms: Cms, tables: &str, rows: &str, prepare: impl Fn(&Authority<'_>)) -> Option<Outcome> {
    let postgres = postgres()?;
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, cms, dfe.addr());
    authority.tsql(tables);
    authority.tsql(rows);
    prepare(&authority);
    let report = authority.place.play(["run", "--json"]).well().json();
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
    let findings = report["findings"].as_array().expect("findings").iter().map(|finding| {
        (finding["rule"].as_str().expect("a rule").to_owned(), finding["count"].as_u64().expect("a count"))
    });
    Some(Outcome { documents: dfe.children(), findings: findings.collect() })
}

/// `child_details` of a child of whom nothing odd is known but this; a null takes a key out.
pub fn details(odd: Value) -> Value {
    let mut details = json!({"date_of_birth": "2015-06-01", "sex": "F", "disabilities": ["NONE"], "uasc_flag": false, "purge": false});
    let members = details.as_object_mut().expect("an object");
    members.extend(odd.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    details
}

impl Outcome {
    pub fn children(&self) -> Vec<&str> {
        self.documents.keys().map(String::as_str).collect()
    }

    /// A child's document.
    pub fn of(&self, child: &str) -> &Value {
        self.documents.get(child).unwrap_or_else(|| panic!("{child} was not sent"))
    }

    /// What stands at a place of a child's document.
    pub fn at(&self, child: &str, pointer: &str) -> &Value {
        self.of(child).pointer(pointer).unwrap_or_else(|| panic!("{child} has no {pointer}: {}", self.of(child)))
    }

    /// What stands in a child's only episode.
    pub fn episode(&self, child: &str, key: &str) -> &Value {
        let episodes = self.at(child, "/social_care_episodes").as_array().expect("a list");
        assert_eq!(episodes.len(), 1, "{child} has several episodes");
        &episodes[0][key]
    }

    /// The run found this, so many times, and nothing else.
    pub fn found(&self, rules: &[(&str, u64)]) {
        let expected: BTreeMap<String, u64> = rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect();
        assert_eq!(self.findings, expected);
    }
}
