//! What is found out before a plugin is used.

use csc_bridge_core::error::Kind;

use crate::support::*;

fn refused(source: &str, kind: Kind, says: &str) {
    refused_with(source, &[], kind, says);
}

fn refused_with(source: &str, defines: &[&str], kind: Kind, says: &str) {
    let folder = build_with(source, defines);
    for hosted in BOTH {
        let error = folder.load(hosted).err().unwrap_or_else(|| panic!("{hosted:?}: it was loaded"));
        assert_eq!(error.kind(), kind, "{hosted:?}: {error:?}");
        assert!(error.message().contains(says), "{hosted:?}: {error:?}");
        assert!(error.message().starts_with("starting the plugin hostile: "), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_plugin_is_read_both_ways() {
    for hosted in BOTH {
        let adapter = build("good").load(hosted).unwrap();
        let source = source(&adapter).unwrap();
        for _ in 0..3 {
            assert_eq!(read(source.as_ref()).await.unwrap(), two_rows(), "{hosted:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_built_against_a_shorter_table_works() {
    for hosted in BOTH {
        let adapter = build_with_short_header("short_table").load(hosted).unwrap();
        assert_eq!(read(source(&adapter).unwrap().as_ref()).await.unwrap(), two_rows(), "{hosted:?}");
    }
}

#[test]
fn a_table_without_the_magic_is_refused() {
    refused("wrong_magic", Kind::Protocol, "does not fill the table");
}

#[test]
fn another_version_of_the_boundary_is_refused() {
    refused("other_abi", Kind::Protocol, "speaks version 2 of the boundary");
}

#[test]
fn a_table_that_says_it_is_longer_than_there_was_room_is_refused() {
    refused("table_too_long", Kind::Protocol, "says that it filled");
}

#[test]
fn every_entry_that_describe_promises_must_be_there() {
    let tables = ["source_new", "source_open", "session_list", "session_count", "session_select", "session_scan"];
    let all = ["describe", "stream_next", "sink_facts", "sink_new", "sink_send", "sink_probe"];
    for entry in tables.into_iter().chain(all) {
        refused_with("null_entry", &[&format!("WHERE={entry}")], Kind::Protocol, &format!("lacks {entry}"));
    }
    for (kind, entry) in [("whole_tables", "session_list"), ("documents", "session_documents")] {
        let defines = [&format!("WHERE={entry}")[..], &format!("KIND=\"\\\"{kind}\\\"\"")];
        refused_with("null_entry", &defines, Kind::Protocol, &format!("lacks {entry}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_cannot_cancel_or_release_works() {
    for entry in ["cancel", "release"] {
        let folder = build_with("null_entry", &[&format!("WHERE={entry}")]);
        for hosted in BOTH {
            let adapter = folder.load(hosted).unwrap();
            assert_eq!(read(source(&adapter).unwrap().as_ref()).await.unwrap(), two_rows(), "{entry} {hosted:?}");
        }
    }
}

#[test]
fn a_plugin_with_another_name_than_its_manifests_is_refused() {
    refused("other_name", Kind::Protocol, "another name");
}

#[test]
fn an_init_that_fails_is_an_error() {
    refused("init_fails", Kind::Protocol, "init failed with status 2");
}

#[test]
fn an_init_that_ends_its_process_is_an_error_where_that_is_a_child() {
    for (how, says) in [("HOW=abort()", "was ended by signal 6"), ("HOW=exit(0)", "ended with code 0")] {
        let error = build_with("crash_in_init", &[how]).load(Isolated).err().unwrap();
        assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
        assert!(error.message().contains(says), "{error:?}");
    }
    refused_with("crash_in_init", &["HOW=return CSC_PANIC"], Kind::Protocol, "init failed with status 3");
}

#[test]
fn a_library_without_the_symbol_is_refused() {
    refused("no_symbol", Kind::Protocol, "does not export csc_bridge_plugin_init");
}

#[test]
fn a_file_that_is_no_library_is_refused() {
    for hosted in BOTH {
        let folder = build("good");
        std::fs::write(folder.library(), "#!/bin/sh\n").unwrap();
        folder.write_manifest("");
        let error = folder.load(hosted).err().unwrap();
        assert_eq!(error.kind(), Kind::Io, "{error:?}");
        assert!(error.message().contains("the library cannot be loaded"), "{error:?}");
    }
}

#[test]
fn an_init_that_takes_for_ever_is_given_up() {
    let folder = build("init_forever");
    for hosted in BOTH {
        let error = folder.load_within(hosted, short()).err().unwrap();
        assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
        assert!(error.message().contains("did not end its start within"), "{error:?}");
    }
}

#[test]
fn a_child_that_cannot_be_started_is_an_error() {
    let program = csc_bridge_plugin_host::Program { path: "/nonexistent/csc-bridge".into(), arguments: Vec::new() };
    let error = csc_bridge_plugin_host::Plugin::isolated(build("good").verified(), program, short()).err().unwrap();
    assert_eq!(error.kind(), Kind::Io, "{error:?}");
}

#[test]
fn a_child_that_is_another_program_is_an_error() {
    for (path, arguments) in
        [("/bin/true", vec![]), ("/bin/cat", vec![]), ("/bin/echo", vec!["hello there, who are you?".to_owned()])]
    {
        let program = csc_bridge_plugin_host::Program { path: path.into(), arguments };
        let error = csc_bridge_plugin_host::Plugin::isolated(build("good").verified(), program, short()).err().unwrap();
        assert!(matches!(error.kind(), Kind::Unreachable | Kind::Protocol), "{path}: {error:?}");
    }
}
