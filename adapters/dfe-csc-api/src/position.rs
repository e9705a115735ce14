//! Finding the bad records that a refusal names (fact sheet, section 5).
//!
//! The form of DfE's error bodies is not documented. By convention `[n]` in the text is the zero-based position of a record in
//! the array that was sent, and it may begin a path into the record: `[3].social_care_episodes[1].referral_date`. Only the first
//! index of a path is a record's; the others count members of its lists.
//!
//! An index is believed where it starts its path, after `$` (JSONPath) or after a usual name for the whole body
//! (`children[3]`). After any other name (`social_care_episodes[1]`) it counts members of a list inside a record that is not
//! named: to believe it would put a good child into error. Where nothing can be believed, nothing is returned, and the
//! pipeline bisects.

use std::collections::BTreeSet;

/// Names by which a path may call the whole body.
const BODY_NAMES: [&str; 10] =
    ["$", "body", "children", "data", "input", "items", "payload", "records", "request", "root"];

/// The positions, ascending, each once, all below `records`.
pub(crate) fn of_bad_records(body: &str, records: usize) -> Vec<usize> {
    let mut positions = BTreeSet::new();
    let mut at = 0;
    while let Some(open) = body[at..].find('[').map(|found| at + found) {
        let Some((position, end)) = index(body, open) else {
            at = open + 1;
            continue;
        };
        if position < records && starts_at_the_body(&body[..open]) {
            positions.insert(position);
        }
        at = end_of_path(body, end);
    }
    positions.into_iter().collect()
}

/// The number in brackets at `open`, and where it ends.
fn index(body: &str, open: usize) -> Option<(usize, usize)> {
    let inside = &body[open + 1..];
    let close = inside.find(']')?;
    let number = inside[..close].trim();
    // `parse` alone would take a sign.
    let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    Some((number, open + 1 + close + 1))
}

/// Whether the path so far, up to an index, names the whole body or nothing.
fn starts_at_the_body(before: &str) -> bool {
    let start = before
        .rfind(|c: char| !in_name(c) && c != '.')
        .map_or(0, |found| found + before[found..].chars().next().map_or(1, char::len_utf8));
    let mut path = &before[start..];
    // Inside a JSON string a line break is written `\n`: that n belongs to no name.
    if before[..start].ends_with('\\') {
        path = path.get(1..).unwrap_or_default();
    }
    path.split('.').all(|name| name.is_empty() || BODY_NAMES.contains(&name.to_ascii_lowercase().as_str()))
}

/// Where the path that goes on at `at` ends: `.name`, `[1]`, `["name"]` and `['name']` may follow one another.
fn end_of_path(body: &str, mut at: usize) -> usize {
    loop {
        let rest = &body[at..];
        if let Some(name) = rest.strip_prefix('.') {
            at += 1 + name.find(|c| !in_name(c)).unwrap_or(name.len());
        } else if let Some(inside) = rest.strip_prefix('[') {
            let quotes = ['"', '\'', '\\'];
            match inside.find(|c: char| !in_name(c) && !quotes.contains(&c)) {
                Some(close) if inside[close..].starts_with(']') => at += 1 + close + 1,
                _ => return at,
            }
        } else {
            return at;
        }
    }
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$')
}

#[cfg(test)]
mod tests {
    use super::of_bad_records;

    #[test]
    fn only_the_first_index_of_a_path_is_a_record() {
        assert_eq!(of_bad_records("[3].social_care_episodes[1].x is wrong", 100), [3]);
        assert_eq!(of_bad_records("[3].a[1].b[2].c, [5].a[7]", 100), [3, 5]);
        assert_eq!(of_bad_records("[3][\"a\"][1]['b'][2]", 100), [3]);
        assert_eq!(of_bad_records("[3][1]", 100), [3]);
    }

    #[test]
    fn each_position_is_named_once_in_order_and_within_the_batch() {
        assert_eq!(of_bad_records("[9].a [2].b [9].c [100].d [18446744073709551616].e", 100), [2, 9]);
        assert_eq!(of_bad_records("[2]", 2), [0_usize; 0]);
    }

    #[test]
    fn bodies_of_usual_shapes_are_read() {
        assert_eq!(of_bad_records(r#"{"errors":["[3].a.b[0]: no code","[ 4 ].c"]}"#, 100), [3, 4]);
        assert_eq!(of_bad_records(r#"{"errors":{"$[0].sex":["x"],"$[2].a[1]":["y"]}}"#, 100), [0, 2]);
        assert_eq!(of_bad_records(r#"{"message":"Refused:\n[1].sex\r\n[6].sex"}"#, 100), [1, 6]);
        assert_eq!(of_bad_records("Error at children[4].sex; body.Records[5]", 100), [4, 5]);
        assert_eq!(of_bad_records("{\"path\":\"[3][\\\"a\\\"][1]\"}", 100), [3]);
        assert_eq!(of_bad_records("Ungültig: «[8].größe[1]» – [9]", 100), [8, 9]);
    }

    #[test]
    fn an_index_of_a_list_inside_an_unnamed_record_is_not_believed() {
        assert_eq!(of_bad_records("social_care_episodes[1].x is wrong", 100), [0_usize; 0]);
        assert_eq!(of_bad_records("[3].a[1] and also factors[7]", 100), [3]);
    }

    #[test]
    fn nothing_is_read_where_nothing_is_named() {
        for body in ["", "Bad request", "[]", "[a]", "[-1]", "[+1]", "[1", "[1,2]", "]["] {
            assert_eq!(of_bad_records(body, 100), [0_usize; 0], "{body}");
        }
    }
}
