//! Canonical JSON.

use csc_bridge_core::delta::{canonical_hash, same_document};
use csc_bridge_core::payload::canonical::{Json, write_string};

fn canonical(text: &str, omit: &[&str]) -> String {
    let omit: Vec<String> = omit.iter().map(|path| (*path).to_owned()).collect();
    let mut bytes = Vec::new();
    Json::parse(text).expect("JSON").write(&omit, &mut bytes);
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn keys_are_sorted_spaces_gone_and_numbers_as_written() {
    let text =
        "{ \"b\": 1.50, \"a\" : [ 12345678901234567890123, -0, 1e5 ], \"c\": { \"y\": true, \"x\": \"\\u00e9\\/\" } }";
    let expected = "{\"a\":[12345678901234567890123,-0,1e5],\"b\":1.50,\"c\":{\"x\":\"é/\",\"y\":true}}";
    assert_eq!(canonical(text, &[]), expected);
}

#[test]
fn nulls_and_empty_lists_go_but_factors_stay() {
    let text = r#"{"a":null,"b":[],"factors":[],"c":{"d":null,"factors":[]},"e":[null]}"#;
    assert_eq!(canonical(text, &[]), r#"{"c":{"factors":[]},"e":[null],"factors":[]}"#);
}

#[test]
fn of_a_key_written_twice_the_last_stands() {
    assert_eq!(canonical(r#"{"a":1,"b":2,"a":3}"#, &[]), r#"{"a":3,"b":2}"#);
}

#[test]
fn strings_are_escaped_as_rfc_8785_says_and_otherwise_left_alone() {
    let mut bytes = Vec::new();
    write_string("\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/'O\u{7f}é𝄞\u{2028}", &mut bytes);
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(text, "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/'O\u{7f}é𝄞\u{2028}\"");
    assert_eq!(
        serde_json::from_str::<String>(&text).expect("JSON"),
        "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/'O\u{7f}é𝄞\u{2028}"
    );
}

#[test]
fn members_at_a_path_can_be_left_out_wherever_they_stand() {
    let text = r#"{"l":[{"id":1,"v":2},{"id":3},{"v":4,"z":5,"id":6}],"id":7}"#;
    assert_eq!(canonical(text, &["l[].id"]), r#"{"id":7,"l":[{"v":2},{},{"v":4,"z":5}]}"#);
}

#[test]
fn documents_are_the_same_up_to_spelling_and_unstable_ids() {
    let ours = r#"{"e":[{"id":"1","v":"x"}]}"#;
    assert!(same_document(ours, "{ \"e\" : [ { \"v\":\"\\u0078\", \"id\":\"1\", \"n\": null } ] }", &[]));
    assert!(!same_document(ours, r#"{"e":[{"id":"2","v":"x"}]}"#, &[]));
    assert!(same_document(ours, r#"{"e":[{"id":"2","v":"x"}]}"#, &["e[].id".to_owned()]));
    assert!(!same_document(ours, "not JSON", &[]));
    assert_eq!(
        canonical_hash(ours, &[]).expect("JSON"),
        canonical_hash(" {\"e\":[{\"v\":\"x\",\"id\":\"1\"}]}", &[]).expect("JSON")
    );
}

/// Bytes that mean something to JSON, and some that do not.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"a\"",
    "\"b\":",
    "\"\\u00e9\\n\"",
    "\\u",
    "\\ud834\\udd1e",
    "null",
    "true",
    "false",
    "nul",
    "0",
    "-",
    "1",
    "12.5",
    ".",
    "e",
    "E+2",
    "-0",
    "01",
    "é",
    "𝄞",
    "\u{0}",
    "\u{1f}",
    " ",
    "\n",
    "\t",
    "\u{a0}",
    "/",
    "'",
    "//",
];

#[test]
fn what_is_json_and_what_it_says_is_what_serde_json_says() {
    let seed = std::env::var("CSC_BRIDGE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("CSC_BRIDGE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let whole = r#"{"a":[1,-2.50,{"b":"x\"y","c":null}],"é":{"f":true,"a":[]},"n":1e-7}"#;
    let mut valid = 0;
    for _ in 0..200_000 {
        let mut text = if random.bool() { whole.to_owned() } else { String::new() };
        for _ in 0..random.usize(0..6) {
            let piece = PIECES[random.usize(..PIECES.len())];
            let mut at = random.usize(0..=text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random.bool() {
                true => text.insert_str(at, piece),
                false => text.replace_range(
                    at..(at..)
                        .find(|end| *end >= text.len() || *end > at && text.is_char_boundary(*end))
                        .unwrap_or(at)
                        .min(text.len()),
                    piece,
                ),
            }
        }
        let ours = Json::parse(&text);
        match serde_json::from_str::<serde_json::Value>(&text) {
            // A number that no machine can hold is JSON to us: it is written as it stands.
            Err(error) if error.to_string().contains("out of range") => {}
            Err(_) => assert!(ours.is_err(), "{text}"),
            Ok(value) => {
                valid += 1;
                let mut bytes = Vec::new();
                ours.unwrap_or_else(|error| panic!("{text}: {error}")).write(&[], &mut bytes);
                let again: serde_json::Value = serde_json::from_slice(&bytes).expect("canonical JSON");
                assert_eq!(again, without_nothing(value), "{text}");
            }
        }
    }
    assert!(valid > 5_000, "too few of the texts were JSON: {valid}");
}

/// Without the members that the canonical form leaves out.
fn without_nothing(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Array(items) => items.into_iter().map(without_nothing).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(key, value)| {
                !(value.is_null() || key != "factors" && value.as_array().is_some_and(Vec::is_empty))
            })
            .map(|(key, value)| (key, without_nothing(value)))
            .collect(),
        other => other,
    }
}

#[test]
fn nesting_without_end_is_refused() {
    assert!(Json::parse(&format!("{}{}", "[".repeat(32), "]".repeat(32))).is_ok());
    for deep in ["[", "{\"a\":"] {
        assert!(Json::parse(&deep.repeat(100_000)).is_err());
    }
    assert!(Json::parse(&format!("{}{}", "[".repeat(33), "]".repeat(33))).is_err());
}

#[test]
fn text_that_is_no_json_is_refused_by_its_place_without_being_quoted() {
    let error = Json::parse("{\"name\": SECRET}").expect_err("no JSON");
    assert!(error.message().contains("line 1, column 10"), "{error}");
    assert!(!error.message().contains("SECRET"));
}
