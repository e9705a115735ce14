//! Documents beside each other: what DfE holds, what is believed of it, and what the SSD says. Nothing of core is used here: what the
//! SSD still has is asked of its tables, and records are told from values by the names below.

use serde_json::{Map, Value};

use super::database::Cell;
use super::office::Office;

type Object = Map<String, Value>;

/// Lists whose members have ids: their key, their id, and the rows behind a member. `?1` is the child, `?2` the episode, `?3` the member.
const LISTS: &[(&str, &str, &str)] = &[
    (
        "social_care_episodes",
        "social_care_episode_id",
        "SELECT 1 FROM ssd_cin_episodes WHERE cine_person_id = ?1 AND cine_referral_id = ?3 AND ?2 IS NOT NULL",
    ),
    (
        "child_and_family_assessments",
        "child_and_family_assessment_id",
        "SELECT 1 FROM ssd_cin_assessments WHERE cina_assessment_id = ?3 AND cina_referral_id = ?2 AND ?1 IS NOT NULL",
    ),
    (
        "child_in_need_plans",
        "child_in_need_plan_id",
        "SELECT 1 FROM ssd_cin_plans WHERE cinp_cin_plan_id = ?3 AND cinp_referral_id = ?2 AND ?1 IS NOT NULL",
    ),
    (
        "section_47_assessments",
        "section_47_assessment_id",
        "SELECT 1 FROM ssd_s47_enquiry WHERE s47e_s47_enquiry_id = ?3 AND s47e_referral_id = ?2 AND ?1 IS NOT NULL",
    ),
    (
        "child_protection_plans",
        "child_protection_plan_id",
        "SELECT 1 FROM ssd_cp_plans WHERE cppl_cp_plan_id = ?3 AND cppl_referral_id = ?2 AND ?1 IS NOT NULL",
    ),
    (
        "child_looked_after_placements",
        "child_looked_after_placement_id",
        // A placement belongs to the referrals of the child's care episodes that name it. One that none of them names falls back on
        // its care period.
        "SELECT 1 FROM ssd_cla_placement p JOIN ssd_cla_episodes e ON e.clae_person_id = ?1 AND e.clae_referral_id = ?2
         WHERE p.clap_cla_placement_id = ?3 AND (e.clae_cla_placement_id = ?3 OR (e.clae_cla_id = p.clap_cla_id AND NOT EXISTS
         (SELECT 1 FROM ssd_cla_episodes n WHERE n.clae_person_id = ?1 AND n.clae_cla_placement_id = ?3)))",
    ),
];

/// Objects that can be purged, and the rows behind them.
const OBJECTS: &[(&str, &str)] = &[
    ("child_details", "SELECT 1 FROM ssd_person WHERE pers_person_id = ?1 AND ?2 = ?3"),
    ("health_and_wellbeing", "SELECT 1 FROM ssd_sdq_scores WHERE csdq_person_id = ?1 AND ?2 = ?3"),
    (
        "adoption",
        "SELECT 1 FROM ssd_permanence WHERE ?2 IS NOT NULL AND ?3 IS NOT NULL AND (perm_person_id = ?1 OR perm_cla_id IN
         (SELECT clae_cla_id FROM ssd_cla_episodes WHERE clae_person_id = ?1))",
    ),
    ("care_leavers", "SELECT 1 FROM ssd_care_leavers WHERE clea_person_id = ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL"),
];

/// A record inside a document.
struct Inner<'a> {
    /// Its key, and its id where it is a member of a list.
    name: String,
    id: &'a str,
    /// What says whether the SSD has it.
    sql: &'static str,
    object: &'a Object,
}

/// The records directly inside an object.
fn records(object: &Object) -> Vec<Inner<'_>> {
    let mut found = Vec::new();
    for (key, value) in object {
        if let (Some((_, sql)), Value::Object(object)) = (OBJECTS.iter().find(|(name, _)| name == key), value) {
            found.push(Inner { name: key.clone(), id: "", sql, object });
        }
        if let (Some((_, id, sql)), Value::Array(members)) = (LISTS.iter().find(|(name, ..)| name == key), value) {
            for object in members.iter().filter_map(Value::as_object) {
                let id = object.get(*id).and_then(Value::as_str).unwrap_or_default();
                found.push(Inner { name: format!("{key}/{id}"), id, sql, object });
            }
        }
    }
    found
}

/// The values directly inside an object: everything that is no record.
fn values(object: &Object) -> impl Iterator<Item = (&String, &Value)> {
    let is_record =
        |key: &str| OBJECTS.iter().any(|(name, _)| *name == key) || LISTS.iter().any(|(name, ..)| *name == key);
    object.iter().filter(move |(key, _)| !is_record(key))
}

/// A record that lacks its purge key is known by its ids alone: an answer never came.
fn is_skeleton(object: &Object) -> bool {
    !object.contains_key("purge")
}

/// Whether something in a document is known by its id alone.
pub fn has_skeleton(document: &Value) -> bool {
    let any = |object: &Object| {
        is_skeleton(object) || records(object).iter().any(|inner| has_skeleton(&Value::Object(inner.object.clone())))
    };
    document.as_object().is_none_or(any)
}

/// What is wrong about the belief that a merging DfE holds `believed`: it must hold every value of it and nothing else, but for
/// records known by their id alone, which it may hold with any values, or not at all.
pub fn disbelieved(believed: &Object, held: Option<&Object>, place: &str, wrong: &mut Vec<String>) {
    let Some(held) = held else {
        if !is_skeleton(believed) {
            wrong.push(format!("{place} is believed to be held, and is not"));
        }
        return;
    };
    let is_known = |key: &str| !is_skeleton(believed) || key.ends_with("_id") && believed.contains_key(key);
    for (key, value) in values(believed).chain(values(held)).filter(|(key, _)| is_known(key)) {
        if believed.get(key) != held.get(key) {
            wrong.push(format!("{place}.{key}: {value} is believed or held alone"));
        }
    }
    let (inside, of_held) = (records(believed), records(held));
    for inner in &inside {
        let same = of_held.iter().find(|other| other.name == inner.name);
        disbelieved(inner.object, same.map(|other| other.object), &format!("{place}.{}", inner.name), wrong);
    }
    for other in of_held.iter().filter(|other| inside.iter().all(|inner| inner.name != other.name)) {
        wrong.push(format!("{place}.{} is held, and nobody knows", other.name));
    }
}

/// The SSD, asked about one child.
pub struct Asked<'a> {
    pub office: &'a Office,
    pub child: &'a str,
}

impl Asked<'_> {
    fn still(&self, inner: &Inner<'_>, episode: &str) -> bool {
        // For an object there is no third value: the second stands in.
        let id = if inner.id.is_empty() { episode } else { inner.id };
        !self.office.query(inner.sql, &[self.child, episode, id].map(Cell::from)).is_empty()
    }

    /// What is wrong about what a merging DfE holds: it must be what is desired, beside records that the SSD still has and the rules
    /// leave out. What such a record says is what it said when it was last sent.
    pub fn differences(
        &self,
        desired: Option<&Object>,
        held: &Object,
        episode: &str,
        place: &str,
        wrong: &mut Vec<String>,
    ) {
        if let Some(desired) = desired {
            for (key, value) in values(desired).chain(values(held)) {
                if desired.get(key) != held.get(key) {
                    wrong.push(format!("{place}.{key}: {value} is desired or held alone"));
                }
            }
        }
        let wanted = desired.map(records).unwrap_or_default();
        let of_held = records(held);
        for inner in &of_held {
            let place = format!("{place}.{}", inner.name);
            let same = wanted.iter().find(|other| other.name == inner.name);
            if same.is_none() && !self.still(inner, episode) {
                wrong.push(format!("{place} is held, and gone from the SSD"));
            }
            let episode = if inner.name.starts_with("social_care_episodes/") { inner.id } else { episode };
            self.differences(same.map(|other| other.object), inner.object, episode, &place, wrong);
        }
        for other in wanted.iter().filter(|other| of_held.iter().all(|inner| inner.name != other.name)) {
            wrong.push(format!("{place}.{} is desired, and not held", other.name));
        }
    }

    /// Purges, in a document about to be sent, of records that the SSD still has.
    pub fn wrong_purges(&self, sent: &Object, episode: &str, place: &str, wrong: &mut Vec<String>) {
        for inner in records(sent) {
            let place = format!("{place}.{}", inner.name);
            if inner.object.get("purge") == Some(&Value::Bool(true)) && self.still(&inner, episode) {
                wrong.push(format!("{place} is purged, and the SSD still has it"));
            }
            let episode = if inner.name.starts_with("social_care_episodes/") { inner.id } else { episode };
            self.wrong_purges(inner.object, episode, &place, wrong);
        }
    }
}
