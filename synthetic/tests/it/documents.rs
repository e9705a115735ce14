//! The cohort seen from the other end: the documents core makes of it.

use csc_bridge_core::config::{PayloadConfig, Profile};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::payload::assemble::{Assembler, Verdict};
use csc_bridge_core::payload::findings::Findings;
use csc_bridge_core::payload::read;
use csc_bridge_core::pipeline::judge;
use csc_bridge_synthetic::Ssd;

use crate::memory::Database;
use crate::{RUN_DATE, definition, made_for, profile, standard};

/// The documents of a cohort, and the rules of the findings.
async fn documents(profile: &Profile, database: &mut Database) -> (Vec<String>, Vec<String>) {
    let definition = definition();
    let ssd = Ssd::new(&definition, profile, &profile.schema);
    let payload = PayloadConfig::default();
    let plan = Plan::new(&definition, profile, &ssd.names, &payload, RUN_DATE).unwrap();
    let mut findings = Findings::default();
    let people = judge(read::people(database, &plan).await.unwrap(), &plan, None, &mut findings);
    let ids: Vec<String> = people.chunks(1000).flatten().collect();
    let chunk = read::chunk(database, &plan, &ids).await.unwrap();
    let mut assembler = Assembler::new(&plan);
    let mut documents = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        if let Verdict::Cohort(child) = assembler.assemble(&chunk, number, id, &mut findings).unwrap() {
            documents.push(child.document.to_owned());
        }
    }
    (documents, findings.list().into_iter().map(|finding| format!("{} {}", finding.rule, finding.count)).collect())
}

#[tokio::test]
async fn a_clean_cohort_makes_documents_without_findings() {
    let (mut database, _) = standard(1_500, 21, 0.0).await;
    let (documents, findings) = documents(&Profile::default(), &mut database).await;
    assert_eq!(findings, Vec::<String>::new());
    let share = documents.len() as f64 / 1_500.0;
    assert!((0.91..=0.96).contains(&share), "{share} are in the cohort");
    let mut lengths: Vec<usize> = documents.iter().map(String::len).collect();
    lengths.sort_unstable();
    println!("bytes a document: median {}, longest {:?}", lengths[lengths.len() / 2], lengths.last());
    for key in [
        "former_unique_pupil_number",
        "unique_pupil_number_unknown_reason",
        "expected_date_of_birth",
        "uasc_end_date",
        "sdq_assessments",
        "closure_reason",
        "factors",
        "child_in_need_plans",
        "icpc_date",
        "child_protection_plans",
        "change_reason",
        "end_reason",
        "adoption",
        "placed_date",
        "care_leavers",
        "accommodation",
        "care_worker_details",
        "worker_id",
    ] {
        assert!(documents.iter().any(|document| document.contains(&format!("\"{key}\""))), "no document has {key}");
    }
}

#[tokio::test]
async fn the_spellings_of_a_cms_are_understood() {
    for name in ["systemc", "mosaic", "eclipse"] {
        let profile = profile(name);
        let (mut database, _) = made_for(&profile, 400, 22, 0.0).await;
        let (documents, findings) = documents(&profile, &mut database).await;
        assert_eq!(findings, Vec::<String>::new(), "{name}");
        assert!(documents.len() > 350, "{name}");
    }
}

#[tokio::test]
async fn awkward_children_give_findings_of_many_kinds() {
    let (mut database, _) = standard(1_500, 23, 1.0).await;
    let (documents, findings) = documents(&Profile::default(), &mut database).await;
    println!("{findings:#?}");
    assert!(findings.len() >= 20, "{findings:#?}");
    assert!(documents.len() > 1_200);
}
