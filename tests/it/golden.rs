//! Every rule of the payload and cohort fact sheets, by hand-written fixtures.

use crate::fixture;

#[tokio::test]
async fn every_fixture_becomes_the_documents_beside_it() {
    let fixtures = fixture::all().await;
    assert!(fixtures.len() > 100, "the fixtures are missing");
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let outcome = fixture.outcome(&fixture.plan());
        if outcome != fixture.expected {
            let text = |value| serde_json::to_string_pretty(value).expect("JSON");
            wrong.push(format!("{}\nexpected {}\nbut got {}", fixture.name, text(&fixture.expected), text(&outcome)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} fixtures differ:\n\n{}", wrong.len(), fixtures.len(), wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_assembled_is_taken_from_a_source_of_documents_as_it_is() {
    let fixtures = fixture::all().await;
    let changed: Vec<String> = fixtures.iter().flat_map(fixture::Fixture::changed_by_admission).collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}
