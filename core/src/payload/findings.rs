//! What the rules left out, and why: a rule, how often, one child as an example. Never a value, unless the operator asks.

use std::collections::BTreeMap;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A child or a record was left out.
    Error,
    /// A value was left out.
    Warning,
    /// Something to know about this CMS.
    Note,
}

/// What is wrong with a value, a record or a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is its word")]
pub enum Fault {
    NotACode,
    TooLong,
    WrongLength,
    BadPattern,
    OutOfRange,
    NotADate,
    NotANumber,
    NotAFlag,
    BeforeStart,
    BadJson,
    TooMany,
    NoId,
    BadId,
    DuplicateId,
    UnknownKey,
    ChildNoId,
    ChildBadId,
    ChildDuplicateId,
    ChildCollidingId,
    ChildBadBirthDate,
    ChildNoDocument,
    ChildBadDocument,
}

impl Fault {
    /// The first part of a rule's name.
    pub fn word(self) -> &'static str {
        match self {
            Fault::NotACode => "not_a_code",
            Fault::TooLong => "too_long",
            Fault::WrongLength => "wrong_length",
            Fault::BadPattern => "bad_pattern",
            Fault::OutOfRange => "out_of_range",
            Fault::NotADate => "not_a_date",
            Fault::NotANumber => "not_a_number",
            Fault::NotAFlag => "not_a_flag",
            Fault::BeforeStart => "before_start",
            Fault::BadJson => "bad_json",
            Fault::TooMany => "too_many",
            Fault::NoId => "no_id",
            Fault::BadId => "bad_id",
            Fault::DuplicateId => "duplicate_id",
            Fault::ChildNoId => "child.no_id",
            Fault::ChildBadId => "child.bad_id",
            Fault::ChildDuplicateId => "child.duplicate_id",
            Fault::ChildCollidingId => "child.colliding_id",
            Fault::ChildBadBirthDate => "child.bad_birth_date",
            Fault::ChildNoDocument => "child.no_document",
            Fault::ChildBadDocument => "child.bad_document",
            Fault::UnknownKey => "unknown_key",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Fault::NoId | Fault::BadId | Fault::DuplicateId => Severity::Error,
            Fault::ChildNoId | Fault::ChildBadId | Fault::ChildDuplicateId => Severity::Error,
            Fault::ChildCollidingId | Fault::ChildBadBirthDate => Severity::Error,
            Fault::ChildNoDocument | Fault::ChildBadDocument => Severity::Error,
            _ => Severity::Warning,
        }
    }
}

/// Findings by rule.
#[derive(Default)]
pub struct Findings {
    found: BTreeMap<Fault, BTreeMap<String, Tally>>,
    keep_values: bool,
}

#[derive(Default)]
struct Tally {
    count: u64,
    example: Option<String>,
    values: Vec<String>,
}

impl Tally {
    /// Keeps a few of the values, each once.
    fn keep(&mut self, value: &str) {
        if self.values.len() < 10 && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_owned());
        }
    }
}

/// One line of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Such as `not_a_code:social_care_episodes[].closure_reason`.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// How often.
    pub count: u64,
    /// The id of one child that has it: print it as a pseudonym.
    pub example: Option<String>,
    /// Some of the values, where they were asked for. Children's data.
    pub values: Vec<String>,
}

impl Findings {
    /// Findings that also keep a few of the values, for an analyst who asked to see them.
    pub fn with_values() -> Findings {
        Findings { keep_values: true, ..Findings::default() }
    }

    /// Adds one. `path` is the field's place in the document, empty for a child; `value` is kept only where values were asked for.
    pub fn add(&mut self, fault: Fault, path: &str, child: &str, value: Option<&str>) {
        let value = value.filter(|_| self.keep_values);
        self.change(fault, path, |tally| {
            tally.count += 1;
            if tally.example.is_none() && !child.is_empty() {
                tally.example = Some(child.to_owned());
            }
            value.into_iter().for_each(|value| tally.keep(value));
        });
    }

    /// Findings of the same kind, to be added to these by [`Findings::append`].
    pub fn apart(&self) -> Findings {
        Findings { found: BTreeMap::new(), keep_values: self.keep_values }
    }

    /// Adds the findings of the children that come after. They are then as if all had been added one by one, examples and values too.
    pub fn append(&mut self, later: Findings) {
        for (fault, paths) in later.found {
            for (path, more) in paths {
                self.change(fault, &path, |tally| {
                    tally.count += more.count;
                    tally.example = tally.example.take().or(more.example);
                    more.values.iter().for_each(|value| tally.keep(value));
                });
            }
        }
    }

    fn change(&mut self, fault: Fault, path: &str, change: impl FnOnce(&mut Tally)) {
        let paths = self.found.entry(fault).or_default();
        // Most findings are of a kind that is known: no name is made for those.
        match paths.get_mut(path) {
            Some(tally) => change(tally),
            None => change(paths.entry(path.to_owned()).or_default()),
        }
    }

    /// All findings, the gravest first, then by rule.
    pub fn list(&self) -> Vec<Finding> {
        let mut list: Vec<Finding> = self
            .found
            .iter()
            .flat_map(|(fault, paths)| paths.iter().map(move |(path, tally)| (fault, path, tally)))
            .map(|(fault, path, tally)| Finding {
                rule: if path.is_empty() { fault.word().to_owned() } else { format!("{}:{path}", fault.word()) },
                severity: fault.severity(),
                count: tally.count,
                example: tally.example.clone(),
                values: tally.values.clone(),
            })
            .collect();
        list.sort_by(|a, b| (a.severity, &a.rule).cmp(&(b.severity, &b.rule)));
        list
    }
}
