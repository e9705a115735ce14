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
