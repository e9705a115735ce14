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

#[test]
fn text_that_is_no_json_is_refused_by_its_place_without_being_quoted() {
    let error = Json::parse("{\"name\": SECRET}").expect_err("no JSON");
    assert!(error.message().contains("line 1, column 10"), "{error}");
    assert!(!error.message().contains("SECRET"));
}
