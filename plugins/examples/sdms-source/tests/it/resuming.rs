use csc_bridge_plugin_sdk::error::Kind;
use csc_bridge_plugin_sdk::{Documents, tokio};
use serde_json::json;

use crate::support::{Place, names, read};

const IDS: [&str; 5] = ["A1", "B2", "C3", "D4", "E5"];

#[tokio::test]
async fn a_read_that_was_cut_off_is_no_read_and_the_next_goes_on_from_there() {
    let place = Place::with(&IDS);
    place.sdms.remove("B2");
    place.sdms.answer_only(Some(3));
    let few = json!({"max_attempts": 1});
    // The read ends with an error only after several failures: until then each is a record that could not be had.
    let sdms = place.plugin(few.clone()).unwrap();
    sdms.ids().await.unwrap();
    for id in ["A1", "B2", "C3", "D4"] {
        sdms.document(id).await.unwrap();
    }
    drop(sdms);
    place.sdms.answer_only(None);
    assert_eq!(place.sdms.asked(), ["A1", "B2", "C3", "D4"]);
    let all = read(&place.plugin(few.clone()).unwrap()).await.unwrap();
    assert_eq!(names(&all), ["name of A1", "-", "name of C3", "name of D4", "name of E5"]);
    assert_eq!(place.sdms.asked(), ["D4", "E5"], "what was answered is not asked for again, what failed is");
    // That read came to its end: the next one begins anew.
    place.sdms.put("A1", json!({"id": "A1", "name": "another"}));
    let all = read(&place.plugin(few).unwrap()).await.unwrap();
    assert_eq!((names(&all)[0].as_str(), place.sdms.asked().len()), ("another", 5));
}

#[tokio::test]
async fn a_system_that_goes_down_ends_the_read_with_an_error_and_the_position_stays() {
    let place = Place::with(&IDS);
    place.sdms.answer_only(Some(2));
    let error = read(&place.plugin(json!({"max_attempts": 2})).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
    place.sdms.answer_only(None);
    place.sdms.asked();
    read(&place.plugin(json!({})).unwrap()).await.unwrap();
    assert_eq!(place.sdms.asked(), ["C3", "D4", "E5"]);
}

#[tokio::test]
async fn an_id_that_was_added_since_is_asked_for_and_one_that_was_taken_out_is_not_delivered() {
    let place = Place::with(&IDS);
    place.sdms.answer_only(Some(2));
    read(&place.plugin(json!({"max_attempts": 1})).unwrap()).await.unwrap_err();
    place.sdms.answer_only(None);
    place.sdms.asked();
    place.write("ids.csv", "B2\nF6\n");
    place.sdms.put("F6", json!({"id": "F6", "name": "new"}));
    let all = read(&place.plugin(json!({})).unwrap()).await.unwrap();
    assert_eq!((names(&all), place.sdms.asked()), (vec!["name of B2".to_owned(), "new".to_owned()], vec!["F6".into()]));
}

#[tokio::test]
async fn another_mapping_or_too_long_a_pause_begins_anew() {
    for (more, mapping) in [(json!({"resume_within": "0s"}), ""), (json!({}), "mis_child_id = \"/other\"\n")] {
        let place = Place::with(&IDS);
        place.sdms.answer_only(Some(2));
        read(&place.plugin(json!({"max_attempts": 1})).unwrap()).await.unwrap_err();
        place.sdms.answer_only(None);
        place.sdms.asked();
        place.write("sdms-student.toml", &format!("{}{mapping}", crate::support::MAPPING));
        read(&place.plugin(more).unwrap()).await.unwrap();
        assert_eq!(place.sdms.asked(), IDS);
    }
}

#[tokio::test]
async fn a_finished_read_leaves_no_record_behind() {
    let place = Place::with(&IDS);
    read(&place.plugin(json!({})).unwrap()).await.unwrap();
    let left = std::fs::read_to_string(place.path("sdms-student.position")).unwrap();
    assert!(!left.contains("A1") && !left.contains("name"), "{left}");
}

#[tokio::test]
async fn an_id_that_is_never_asked_for_and_one_that_is_asked_for_twice_leave_nothing_for_the_next_read() {
    let place = Place::with(&["-1", "A1", "B2"]);
    for name in ["before", "after"] {
        for id in ["A1", "B2"] {
            place.sdms.put(id, json!({"id": id, "name": name}));
        }
        let sdms = place.plugin(json!({})).unwrap();
        sdms.ids().await.unwrap();
        let mut documents = Vec::new();
        for id in ["A1", "B2", "A1"] {
            documents.push((id.to_owned(), sdms.document(id).await.unwrap()));
        }
        assert_eq!(names(&documents), [name; 3]);
    }
}
