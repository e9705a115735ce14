//! How DfE is assumed to read a second document for a child under `merge`: it keeps what the new one does not mention.
//!
//! Written from the published rules (`docs/commands.md`, simulate) and from nothing else: not from core's `delta`, and without the payload
//! definition. A rule that one side misreads then shows as a difference between what is sent and what is held.
//!
//! Numbers are `serde_json`'s: integers from -2^63 to 2^64 - 1 keep every digit; any other number becomes a 64-bit float and may lose
//! some. DfE's form has small integers only.

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The one list of which `[]` is a value: an assessment without factors, where other lists are then left out.
const FACTORS: &str = "factors";

/// Whether an object asks for its own removal.
pub(crate) fn is_purge(object: &Object) -> bool {
    object.get("purge") == Some(&Value::Bool(true))
}

/// Merges what was sent into what is held; a child not held is an empty object. The result is not yet [`normalise`]d.
pub(crate) fn merge(held: &mut Object, sent: &Object) {
    for (key, value) in sent {
        if let Some(merged) = merge_value(key, held.remove(key), value) {
            held.insert(key.clone(), merged);
        }
    }
}

/// Puts lists whose members have ids into the order of the ids, so that equal contents are equal texts.
pub(crate) fn normalise(held: &mut Object) {
    for (key, value) in held {
        match value {
            Value::Object(object) => normalise(object),
            Value::Array(members) => {
                let id_key = id_key(key);
                members.iter_mut().filter_map(Value::as_object_mut).for_each(normalise);
                members.sort_by(|a, b| id(a, &id_key).cmp(&id(b, &id_key)));
            }
            _ => {}
        }
    }
}

/// What stands at a key afterwards; `None`: nothing.
fn merge_value(key: &str, held: Option<Value>, sent: &Value) -> Option<Value> {
    match sent {
        Value::Null => None,
        Value::Object(sent) => merge_object(held, sent),
        Value::Array(sent) => merge_list(key, held, sent),
        sent => Some(sent.clone()),
    }
}

fn merge_object(held: Option<Value>, sent: &Object) -> Option<Value> {
    if is_purge(sent) {
        return None;
    }
    let mut object = match held {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    };
    merge(&mut object, sent);
    Some(Value::Object(object))
}

fn merge_list(key: &str, held: Option<Value>, sent: &[Value]) -> Option<Value> {
    let members = held.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let id_key = id_key(key);
    if members.iter().chain(sent).any(|member| id(member, &id_key).is_some()) {
        return merge_members(&id_key, members.to_vec(), sent);
    }
    if key != FACTORS && members.is_empty() && sent.is_empty() {
        return held;
    }
    let list: Vec<Value> = sent.iter().filter_map(created).collect();
    (key == FACTORS || !list.is_empty()).then_some(Value::Array(list))
}

/// Matches members by id. One sent without an id names no member, and changes none.
fn merge_members(id_key: &str, mut members: Vec<Value>, sent: &[Value]) -> Option<Value> {
    for change in sent {
        let (Value::Object(object), Some(wanted)) = (change, id(change, id_key)) else { continue };
        let position = members.iter().position(|member| id(member, id_key) == Some(wanted));
        let held = position.map(|position| members.swap_remove(position));
        members.extend(merge_object(held, object));
    }
    (!members.is_empty()).then_some(Value::Array(members))
}

/// A member of a list that is replaced whole: whatever is made from nothing follows the rules too, so its nulls vanish.
fn created(member: &Value) -> Option<Value> {
    match member {
        Value::Object(object) => merge_object(None, object),
        other => Some(other.clone()),
    }
}

/// The key of a list's own id: `child_in_need_plans` has `child_in_need_plan_id`.
fn id_key(list: &str) -> String {
    format!("{}_id", list.strip_suffix('s').unwrap_or(list))
}

fn id<'a>(member: &'a Value, id_key: &str) -> Option<&'a str> {
    member.get(id_key)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is held afterwards, normalised.
    fn merged(held: Value, sent: Value) -> Value {
        let (Value::Object(mut held), Value::Object(sent)) = (held, sent) else { panic!("objects are merged") };
        merge(&mut held, &sent);
        normalise(&mut held);
        Value::Object(held)
    }

    /// Episodes by id, as what is held of a child.
    fn episodes(members: Value) -> Value {
        json!({ "social_care_episodes": members })
    }

    #[test]
    fn a_key_not_mentioned_is_unchanged() {
        assert_eq!(merged(json!({"a": 1, "b": {"c": 2}}), json!({"d": 3})), json!({"a": 1, "b": {"c": 2}, "d": 3}));
    }

    #[test]
    fn a_value_takes_the_place_of_whatever_was_held() {
        let held = json!({"a": 1, "b": {"c": 2}, "d": [1]});
        assert_eq!(merged(held, json!({"a": "x", "b": 2, "d": {"e": 3}})), json!({"a": "x", "b": 2, "d": {"e": 3}}));
    }

    #[test]
    fn null_removes_the_key_whatever_it_holds() {
        let held = json!({"a": 1, "b": {"c": 2}, "d": [1], "e": {"f": 1, "g": 2}});
        let sent = json!({"a": null, "b": null, "d": null, "e": {"f": null}, "z": null});
        assert_eq!(merged(held, sent), json!({"e": {"g": 2}}));
    }

    #[test]
    fn an_object_is_merged_key_by_key_and_created_when_absent() {
        let sent = json!({"a": {"y": 3, "z": {"w": 4}}, "b": {"c": 5}});
        assert_eq!(
            merged(json!({"a": {"x": 1, "y": 2}}), sent),
            json!({"a": {"x": 1, "y": 3, "z": {"w": 4}}, "b": {"c": 5}})
        );
    }

    #[test]
    fn a_purged_object_goes_whatever_else_stands_in_it() {
        let held = json!({"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "d": {"x": 1}}});
        let sent = json!({"a": {"purge": true}, "b": {"purge": true, "x": 2}, "c": {"d": {"purge": true}}});
        assert_eq!(merged(held, sent), json!({"c": {"x": 1}}));
    }

    #[test]
    fn purge_false_is_a_value_like_any_other() {
        let held = json!({"a": {"x": 1, "purge": false}, "b": {"purge": false}});
        let sent = json!({"purge": false, "a": {"purge": null}});
        assert_eq!(merged(held, sent), json!({"purge": false, "a": {"x": 1}, "b": {"purge": false}}));
    }

    #[test]
    fn an_unknown_member_is_inserted_and_a_known_one_is_merged_recursively() {
        let plans = json!([{"child_in_need_plan_id": "p", "start_date": "1", "end_date": "2"}]);
        let held = episodes(json!([{"social_care_episode_id": "e", "x": 1, "child_in_need_plans": plans}]));
        let sent = episodes(json!([
            {"social_care_episode_id": "f", "x": 7},
            {"social_care_episode_id": "e", "y": 2, "child_in_need_plans": [{"child_in_need_plan_id": "p", "end_date": null},
                {"child_in_need_plan_id": "o", "start_date": "3"}]},
        ]));
        let expected = episodes(json!([
            {"social_care_episode_id": "e", "x": 1, "y": 2, "child_in_need_plans":
                [{"child_in_need_plan_id": "o", "start_date": "3"}, {"child_in_need_plan_id": "p", "start_date": "1"}]},
            {"social_care_episode_id": "f", "x": 7},
        ]));
        assert_eq!(merged(held, sent), expected);
    }

    #[test]
    fn a_purged_member_goes_whatever_else_stands_in_it() {
        let held = episodes(json!([{"social_care_episode_id": "e", "x": 1}, {"social_care_episode_id": "f"}]));
        let sent = episodes(json!([{"social_care_episode_id": "e", "purge": true, "x": 2, "y": [1]}]));
        assert_eq!(merged(held, sent), episodes(json!([{"social_care_episode_id": "f"}])));
    }

    #[test]
    fn a_list_left_without_members_by_purges_is_removed_but_its_object_stays() {
        let plans = json!([{"section_47_assessment_id": "s"}]);
        let held = json!({"a": {"section_47_assessments": plans}, "child_protection_plans": [{"child_protection_plan_id": "p"}]});
        let sent = json!({"a": {"section_47_assessments": [{"section_47_assessment_id": "s", "purge": true}]},
            "child_protection_plans": [{"child_protection_plan_id": "p", "purge": true}]});
        assert_eq!(merged(held, sent), json!({"a": {}}));
    }

    #[test]
    fn a_purge_for_something_not_held_changes_nothing() {
        let held = episodes(json!([{"social_care_episode_id": "e"}]));
        let mut sent = episodes(json!([{"social_care_episode_id": "f", "purge": true}]));
        sent["adoption"] = json!({"purge": true});
        sent["child_in_need_plans"] = json!([{"child_in_need_plan_id": "p", "purge": true}]);
        assert_eq!(merged(held.clone(), sent), held);
    }

    #[test]
    fn an_empty_list_changes_nothing_where_members_have_ids() {
        let held = episodes(json!([{"social_care_episode_id": "e"}]));
        assert_eq!(merged(held.clone(), episodes(json!([]))), held);
        assert_eq!(merged(json!({}), episodes(json!([]))), json!({}));
        assert_eq!(merged(episodes(json!([])), episodes(json!([]))), episodes(json!([])));
    }

    #[test]
    fn members_without_the_lists_own_id_do_not_make_it_a_list_with_ids() {
        let held = json!({"care_worker_details": [{"worker_id": "w", "x": 1}], "child_in_need_plans": [{"id": "p"}]});
        let sent = json!({"care_worker_details": [{"worker_id": "v"}], "child_in_need_plans": [{"id": "q"}]});
        assert_eq!(merged(held, sent.clone()), sent);
    }

    #[test]
    fn a_member_sent_without_an_id_into_a_list_with_ids_changes_nothing() {
        let held = episodes(json!([{"social_care_episode_id": "e"}]));
        assert_eq!(merged(held.clone(), episodes(json!([{"x": 1}, 7, {"social_care_episode_id": 8}]))), held);
    }

    #[test]
    fn every_other_list_is_replaced_whole_and_an_empty_one_removes_it() {
        let held = json!({"disabilities": ["HAND", "MOB"], "sdq_assessments": [{"date": "1", "score": 2}], "x": ["a"]});
        let sent = json!({"disabilities": ["BEH"], "sdq_assessments": [{"date": "3"}, {"date": "2"}], "x": []});
        assert_eq!(
            merged(held, sent),
            json!({"disabilities": ["BEH"], "sdq_assessments": [{"date": "3"}, {"date": "2"}]})
        );
    }

    #[test]
    fn factors_are_replaced_whole_and_without_any_stay_as_an_empty_list() {
        let of = |factors: Value| json!({"a": {"factors": factors}});
        assert_eq!(merged(of(json!(["1A", "2B"])), of(json!(["3C"]))), of(json!(["3C"])));
        assert_eq!(merged(of(json!(["1A"])), of(json!([]))), of(json!([])));
        assert_eq!(merged(json!({}), of(json!([]))), of(json!([])));
        assert_eq!(merged(of(json!([])), of(json!([]))), of(json!([])));
        assert_eq!(merged(of(json!([])), of(json!(null))), json!({"a": {}}));
    }

    #[test]
    fn what_is_created_from_nothing_follows_the_same_rules() {
        let nothing_but = json!({"x": null, "disabilities": [], "adoption": {"purge": true}, "factors": [],
            "child_in_need_plans": [{"child_in_need_plan_id": "p", "purge": true}], "y": 1});
        let mut first = episodes(json!([
            {"social_care_episode_id": "f", "purge": true},
            {"social_care_episode_id": "e", "x": null, "a": nothing_but, "b": {"x": null}},
        ]));
        first["sdq_assessments"] = json!([{"date": "1", "score": null}, {"date": "2", "purge": true}]);
        first["x"] = json!(null);
        let mut expected = episodes(json!([{"social_care_episode_id": "e", "a": {"factors": [], "y": 1}, "b": {}}]));
        expected["sdq_assessments"] = json!([{"date": "1"}]);
        assert_eq!(merged(json!({}), first), expected);
    }

    #[test]
    fn the_order_in_which_members_came_does_not_show() {
        let member = |id: &str| json!({"social_care_episode_id": id});
        let whole =
            merged(json!({}), episodes(json!([member("b"), member("B"), member("a"), member("10"), member("9")])));
        assert_eq!(whole, episodes(json!([member("10"), member("9"), member("B"), member("a"), member("b")])));
        let halves = merged(json!({}), episodes(json!([member("a"), member("9"), member("B")])));
        assert_eq!(merged(halves, episodes(json!([member("b"), member("10")]))), whole);
    }

    #[test]
    fn a_member_named_twice_is_read_twice_in_the_order_sent() {
        let sent = json!([{"social_care_episode_id": "e", "x": 1}, {"social_care_episode_id": "e", "purge": true},
            {"social_care_episode_id": "e", "y": 2}]);
        assert_eq!(merged(json!({}), episodes(sent)), episodes(json!([{"social_care_episode_id": "e", "y": 2}])));
    }

    #[test]
    fn integers_of_64_bits_keep_their_digits_and_longer_ones_do_not() {
        let held = |sent: &str| {
            merged(json!({}), serde_json::from_str(&format!(r#"{{"n":{sent}}}"#)).expect("JSON"))["n"].to_string()
        };
        for exact in ["9007199254740993", "18446744073709551615", "-9223372036854775808", "0"] {
            assert_eq!(held(exact), exact);
        }
        assert_eq!(held("18446744073709551617"), "1.8446744073709552e+19");
    }
}
