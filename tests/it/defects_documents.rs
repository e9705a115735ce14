//! Defects 8 to 14 and 29 of the present tools: what their partial documents say wrongly. One child is written by hand.

use serde_json::{Value, json};

use crate::program::{DAY, Dfe, NOBODY, Place, validator};
use crate::way::{Way, asks_to_purge, converged, held, plain};

/// Ann O'Neil, with two of everything that a document may hold two of.
const ANN: &str = "
    INSERT INTO ssd_person (pers_person_id, pers_legacy_id, pers_forename, pers_surname, pers_sex, pers_dob, pers_ethnicity, pers_upn)
        VALUES ('ann', 'L-ann', 'Ann', 'O''Neil', 'F', '2012-03-04', 'WBRI', 'A123456789012');
    INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date, cine_referral_source_code) VALUES
        ('e1', 'ann', '2025-01-10', '1A'), ('e2', 'ann', '2025-06-10', '6');
    UPDATE ssd_cin_episodes SET cine_close_date = '2026-02-01', cine_close_reason = 'RC8' WHERE cine_referral_id = 'e2';
    INSERT INTO ssd_cin_assessments (cina_assessment_id, cina_referral_id, cina_assessment_start_date, cina_assessment_auth_date) VALUES
        ('a1', 'e1', '2025-01-11', '2025-02-01'), ('a2', 'e1', '2025-05-11', NULL), ('a3', 'e2', '2025-06-11', NULL);
    INSERT INTO ssd_cin_plans (cinp_cin_plan_id, cinp_referral_id, cinp_person_id, cinp_cin_plan_start_date, cinp_cin_plan_end_date) VALUES
        ('p1', 'e1', 'ann', '2025-02-10', '2025-05-01'), ('p2', 'e1', 'ann', '2025-05-02', NULL);
    INSERT INTO ssd_permanence (perm_person_id, perm_adm_decision_date) VALUES ('ann', '2026-01-05');
    INSERT INTO ssd_professionals (prof_professional_id, prof_staff_id, prof_social_worker_registration_no) VALUES ('w1', 'w1', 'SW1'), ('w2', 'w2', 'SW2');
    INSERT INTO ssd_involvements (invo_referral_id, invo_professional_id, invo_professional_role_id, invo_involvement_start_date, invo_involvement_end_date) VALUES
        ('e1', 'w1', 'CW', '2025-02-10', '2025-04-10'), ('e1', 'w1', 'CW', '2026-02-10', NULL), ('e1', 'w2', 'CW', '2025-03-01', '2025-05-10');
    INSERT INTO ssd_sdq_scores (csdq_person_id, csdq_sdq_completed_date, csdq_sdq_score) VALUES
        ('ann', '2025-03-01', 9), ('ann', '2026-03-01', 12);";

/// Ann among others, whom DfE merges, sent in partial documents.
struct Ann {
    dfe: Dfe,
    place: Place,
}

impl Ann {
    fn new() -> Ann {
        let dfe = Dfe::merging();
        let place = Place::filled(dfe.addr(), 30);
        place.sql(ANN);
        Way::MergePartial.set(&place);
        place.play(["run"]).well();
        converged(&place, &dfe);
        let ann = held(&dfe, "ann").expect("Ann");
        let workers = &ann["social_care_episodes"][0]["care_worker_details"];
        assert_eq!(workers.as_array().map(Vec::len), Some(3), "{ann}");
        Ann { dfe, place }
    }

    /// What is prepared for her after a change, which then arrives.
    fn after(&self, sql: &str) -> Value {
        self.place.sql(sql);
        self.place.play(["stage"]).well();
        let outgoing = self.place.row("ann").outgoing.expect("a document is prepared");
        let report = self.place.play(["submit", "--json"]).well().json();
        assert_eq!((&report["submitted"]["sent"], &report["submitted"]["partial"]), (&json!(1), &json!(1)), "{report}");
        converged(&self.place, &self.dfe);
        outgoing
    }

    fn held(&self) -> Value {
        held(&self.dfe, "ann").expect("DfE holds her")
    }
}

/// What a partial document says beside who the child is.
fn says(partial: &Value) -> Value {
    let mut says = partial.clone();
    let members = says.as_object_mut().expect("an object");
    for key in ["la_child_id", "mis_child_id", "purge", "child_details"] {
        assert!(members.remove(key).is_some(), "{key} is not in {partial}");
    }
    says
}

/// Apostrophes are doubled in partial documents
#[test]
fn defect_08_an_apostrophe_arrives_as_one() {
    let ann = Ann::new();
    assert_eq!(ann.held()["child_details"]["surname"], "O'Neil");
    let partial = ann.after("UPDATE ssd_person SET pers_surname = 'O''Neil-D''Arcy' WHERE pers_person_id = 'ann'");
    assert_eq!(partial["child_details"]["surname"], "O'Neil-D'Arcy");
    assert_eq!(ann.held()["child_details"]["surname"], "O'Neil-D'Arcy");
    let stored =
        "SELECT previous_json_payload LIKE '%\"O''Neil-D''Arcy\"%' FROM ssd_api_data_staging WHERE person_id = 'ann'";
    assert_eq!(ann.place.number(stored), 1);
}

/// Removed list members, blocks and values are never told
#[test]
fn defect_09_what_was_removed_is_told() {
    let ann = Ann::new();
    let partial = ann.after("DELETE FROM ssd_cin_plans WHERE cinp_cin_plan_id = 'p1'");
    let gone = json!({ "social_care_episodes": [{ "social_care_episode_id": "e1",
        "child_in_need_plans": [{ "child_in_need_plan_id": "p1", "purge": true }] }] });
    assert_eq!(says(&partial), gone);
    // The last one goes too, and with it the gate of the workers; an episode is opened again; the adoption was a mistake.
    ann.after("DELETE FROM ssd_cin_plans WHERE cinp_cin_plan_id = 'p2'");
    assert!(ann.held()["social_care_episodes"][0].get("child_in_need_plans").is_none());
    let partial = ann.after(
        "UPDATE ssd_cin_episodes SET cine_close_date = NULL, cine_close_reason = NULL WHERE cine_referral_id = 'e2'",
    );
    let opened = json!({ "social_care_episodes": [{ "social_care_episode_id": "e2", "closure_date": null, "closure_reason": null }] });
    assert_eq!(says(&partial), opened);
    let partial = ann.after("DELETE FROM ssd_permanence WHERE perm_person_id = 'ann'");
    assert!(says(&partial)["social_care_episodes"][0]["adoption"] == json!({ "purge": true }), "{partial}");
    assert!(!ann.held().to_string().contains("adoption"));
    let partial = ann.after("DELETE FROM ssd_cin_assessments WHERE cina_referral_id = 'e2'; DELETE FROM ssd_cin_episodes WHERE cine_referral_id = 'e2'");
    assert_eq!(says(&partial), json!({ "social_care_episodes": [{ "social_care_episode_id": "e2", "purge": true }] }));
}

/// Unchanged members are not pruned: every episode id is repeated
#[test]
fn defect_10_what_did_not_change_is_not_repeated() {
    let ann = Ann::new();
    let partial = ann.after(
        "UPDATE ssd_cin_assessments SET cina_assessment_auth_date = '2025-06-01' WHERE cina_assessment_id = 'a2'",
    );
    let changed = json!({ "social_care_episodes": [{ "social_care_episode_id": "e1", "child_and_family_assessments":
        [{ "child_and_family_assessment_id": "a2", "authorisation_date": "2025-06-01" }] }] });
    assert_eq!(says(&partial), changed);
}

/// A changed worker loses its start date, and two spells of a worker are mixed up
#[test]
fn defect_11_workers_are_sent_whole_spell_by_spell() {
    let ann = Ann::new();
    let partial = ann.after("UPDATE ssd_involvements SET invo_involvement_end_date = '2026-08-01' WHERE invo_referral_id = 'e1' AND invo_involvement_start_date = '2026-02-10'");
    let workers = json!({ "social_care_episodes": [{ "social_care_episode_id": "e1", "care_worker_details": [
        { "worker_id": "SW1", "start_date": "2025-02-10", "end_date": "2025-04-10" },
        { "worker_id": "SW2", "start_date": "2025-03-01", "end_date": "2025-05-10" },
        { "worker_id": "SW1", "start_date": "2026-02-10", "end_date": "2026-08-01" }] }] });
    assert_eq!(plain(says(&partial)), plain(workers));
}

/// A changed SDQ list is sent without its block's purge key, a partial without the child's
#[test]
fn defect_12_a_changed_block_has_its_purge_key() {
    let ann = Ann::new();
    let partial =
        ann.after("UPDATE ssd_sdq_scores SET csdq_sdq_score = 13 WHERE csdq_person_id = 'ann' AND csdq_sdq_score = 12");
    assert_eq!(partial["purge"], false);
    let scores = json!([{ "date": "2025-03-01", "score": 9 }, { "date": "2026-03-01", "score": 13 }]);
    assert_eq!(plain(says(&partial)), json!({ "health_and_wellbeing": { "purge": false, "sdq_assessments": scores } }));
}

/// child_details is sent whole, and still says nothing of a value that went
#[test]
fn defect_13_a_value_that_went_from_child_details_is_null_and_nothing_else_is_repeated() {
    let ann = Ann::new();
    let before = ann.held();
    // It is whole by the design's own rule (section 7): both present senders treat it as required.
    let partial = ann.after("UPDATE ssd_person SET pers_upn = NULL WHERE pers_person_id = 'ann'");
    assert_eq!(says(&partial), json!({}));
    let details = partial["child_details"].as_object().expect("an object");
    let nulls: Vec<&String> = details.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    assert_eq!(nulls, ["unique_pupil_number"], "{partial}");
    let mut wanted = before;
    wanted["child_details"].as_object_mut().expect("an object").remove("unique_pupil_number");
    assert_eq!(ann.held(), wanted);
}

/// The partial is the full document, and what is new is marked for purging
#[test]
fn defect_14_a_partial_is_smaller_and_a_new_member_is_no_purge() {
    let ann = Ann::new();
    let full = ann.place.documents()["ann"].to_string().len();
    let partial = ann.after(
        "INSERT INTO ssd_cin_plans (cinp_cin_plan_id, cinp_referral_id, cinp_person_id, cinp_cin_plan_start_date)
         VALUES ('p3', 'e1', 'ann', '2026-05-02')",
    );
    let new = json!({ "social_care_episodes": [{ "social_care_episode_id": "e1", "child_in_need_plans":
        [{ "child_in_need_plan_id": "p3", "start_date": "2026-05-02", "end_date": null, "purge": false }] }] });
    assert_eq!(says(&partial), new);
    assert!(!asks_to_purge(&partial));
    assert!(partial.to_string().len() * 2 < full, "{} of {full}", partial.to_string().len());
}

/// The sample rows hold codes that are no codes, and the fully populated one is never inserted
#[test]
fn defect_29_made_up_children_are_valid_and_show_every_attribute() {
    let place = Place::filled(NOBODY, 600);
    let documents = place.documents();
    for semantics in [csc_bridge_core::config::Semantics::Replace, csc_bridge_core::config::Semantics::Merge] {
        let judge = validator(semantics);
        for (child, document) in &documents {
            assert_eq!(judge(document), Vec::<String>::new(), "{child}");
        }
        let mut wrong = documents.values().next().expect("a child").clone();
        wrong["child_details"]["ethnicity"] = json!("A1");
        assert!(!judge(&wrong).is_empty(), "a code that is none is found");
    }
    let definition =
        csc_bridge_core::config::load_definition("dfe-csc-0.9", std::path::Path::new(".")).expect("the definition");
    let plan = csc_bridge_core::payload::Plan::new(
        &definition,
        &csc_bridge_core::config::Profile::default(),
        &csc_bridge_core::config::Names::default(),
        &csc_bridge_core::config::PayloadConfig::default(),
        DAY.parse().expect("a date"),
    );
    let mut paths = Vec::new();
    every_path(&plan.expect("a plan").root, String::new(), &mut paths);
    assert!(paths.len() > 50, "{paths:?}");
    let missing: Vec<&String> =
        paths.iter().filter(|path| !documents.values().any(|document| shows(document, path))).collect();
    assert!(missing.is_empty(), "no made-up child has {missing:?}");
}

/// The keys from the document to every value, with slashes.
fn every_path(block: &csc_bridge_core::payload::plan::BlockPlan, at: String, paths: &mut Vec<String>) {
    paths.extend(block.fields.iter().map(|field| format!("{at}{}", field.key)));
    for inner in &block.blocks {
        every_path(inner, format!("{at}{}/", inner.key), paths);
    }
}

fn shows(value: &Value, path: &str) -> bool {
    match (value, path.split_once('/')) {
        (Value::Array(members), _) => members.iter().any(|member| shows(member, path)),
        (value, Some((key, rest))) => value.get(key).is_some_and(|value| shows(value, rest)),
        (value, None) => value.get(path).is_some(),
    }
}
