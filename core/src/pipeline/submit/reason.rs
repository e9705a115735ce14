//! Why records were refused, as far as it can be said without a child's data.

use std::collections::BTreeSet;

use crate::payload::plan::BlockPlan;

/// Every path of the document: fields, lists and objects.
pub(super) fn paths(root: &BlockPlan) -> BTreeSet<&str> {
    let mut paths = BTreeSet::new();
    add(root, &mut paths);
    paths
}

fn add<'p>(block: &'p BlockPlan, paths: &mut BTreeSet<&'p str>) {
    paths.extend(block.fields.iter().map(|field| field.path.as_str()));
    for inner in &block.blocks {
        paths.insert(&inner.path);
        add(inner, paths);
    }
}

/// The first path that an answer names for the record at `index`: `[7].child_details.sex: not a code`. Only a path that the document
/// has is one: whatever else stands there may be data.
pub(super) fn path<'p>(answer: &str, index: usize, known: &BTreeSet<&'p str>) -> Option<&'p str> {
    let record = format!("[{index}].");
    answer.match_indices(&record).find_map(|(at, _)| {
        let rest = &answer[at + record.len()..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.[]".contains(c)).unwrap_or(rest.len());
        let named = without_numbers(rest[..end].trim_end_matches('.'));
        // A list may be named with its brackets or without.
        known.get(named.as_str()).or_else(|| known.get(format!("{named}[]").as_str())).copied()
    })
}

/// `social_care_episodes[3].closure_date` as `social_care_episodes[].closure_date`.
fn without_numbers(path: &str) -> String {
    let mut inside = false;
    let kept = path.chars().filter(|c| {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ => return !(inside && c.is_ascii_digit()),
        }
        true
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<&'static str> {
        BTreeSet::from(["child_details.sex", "social_care_episodes[].closure_date", "social_care_episodes[]"])
    }

    #[test]
    fn the_first_path_of_the_record_is_found_and_its_numbers_are_left_out() {
        let answer = "[1].child_details.sex: not a code; [7].social_care_episodes[13].closure_date: not a date, [7].child_details.sex";
        assert_eq!(path(answer, 7, &known()), Some("social_care_episodes[].closure_date"));
        assert_eq!(path(answer, 1, &known()), Some("child_details.sex"));
        assert_eq!(path(answer, 13, &known()), None);
        assert_eq!(path("[2].social_care_episodes: too many", 2, &known()), Some("social_care_episodes[]"));
    }

    #[test]
    fn what_is_no_path_of_the_document_is_not_repeated() {
        for answer in ["[0].child_details.Murphy: bad", "[0].Murphy", "[0] Murphy", "Murphy", "[0].", ""] {
            assert_eq!(path(answer, 0, &known()), None, "{answer}");
        }
    }
}
