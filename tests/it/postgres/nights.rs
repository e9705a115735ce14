//! Nights: a cohort is read, staged and sent, changes, and is sent again; whatever the type of the staging table's documents.

use csc_bridge_test_postgres::shared;

use super::authority::Authority;
use crate::program::{Dfe, NOBODY, STAGING};

/// Three nights with changes before the second.
fn nights(authority: &Authority<'_>, dfe: &Dfe) {
    let place = &authority.place;
    let first = place.play(["run", "--json"]).well().json();
    let cohort = first["staged"]["cohort"].as_i64().expect("a number");
    assert!(cohort > 200, "{first}");
    assert_eq!((&first["staged"]["new"], &first["submitted"]["sent"]), (&cohort.into(), &cohort.into()), "{first}");
    assert_eq!(dfe.children().len() as i64, cohort);
    authority.converged(dfe);
    authority.is_quiet(dfe);

    place.play(["mutate", "--percent", "20"]).well();
    let second = place.play(["run", "--json"]).well().json();
    let changed: u64 =
        ["new", "updated", "returned"].iter().map(|key| second["staged"][key].as_u64().expect("a number")).sum();
    assert!(changed > 5, "{second}");
    assert_eq!(second["submitted"]["sent"], changed, "{second}");
    authority.converged(dfe);
    authority.is_quiet(dfe);
}

#[test]
fn two_nights_converge_and_a_third_finds_nothing_to_do() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 300);
    nights(&authority, &dfe);
    assert_eq!(authority.tables("ssd_api_data_staging_anon"), 1);
}

/// As D2I's script for PostgreSQL creates it, with documents of this type.
fn of_d2i(documents: &str) -> String {
    format!(
        "CREATE TABLE {STAGING} (
           id bigserial PRIMARY KEY, person_id varchar(48), previous_json_payload {documents}, json_payload {documents} NOT NULL,
           partial_json_payload {documents}, current_hash bytea, previous_hash bytea, submission_status varchar(50) DEFAULT 'Pending',
           submission_timestamp timestamptz DEFAULT now(), api_response text, row_state varchar(10) DEFAULT 'New',
           last_updated timestamptz DEFAULT now())"
    )
}

#[test]
fn a_staging_table_of_d2is_script_serves_with_documents_as_jsonb_and_as_text() {
    let Some(server) = shared() else { return };
    for documents in ["jsonb", "text"] {
        let dfe = Dfe::start();
        let authority = Authority::filled(server, dfe.addr(), 300);
        authority.sql(&of_d2i(documents));
        // The script knows no legacy_id, which `stage` fills.
        authority.place.play(["stage"]).fails(1, &[STAGING, "no column legacy_id"]);
        authority.sql(&format!("ALTER TABLE {STAGING} ADD legacy_id varchar(48)"));
        nights(&authority, &dfe);
        let kind = format!("SELECT pg_typeof(json_payload)::text FROM {STAGING} LIMIT 1");
        assert_eq!(authority.sql(&kind), documents);
    }
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    let Some(server) = shared() else { return };
    let authority = Authority::filled(server, NOBODY, 100);
    authority.place.play(["run", "--dry-run"]).well();
    assert_eq!(authority.tables("ssd_api_%"), 0);
}
