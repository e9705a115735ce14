//! Plugins that do with memory what nobody may. What the host can see is an error; for the rest there is `tests/valgrind.sh`, which runs all
//! hostile plugins under a tool that sees it, and must find each of these, and nothing else.

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_host::Limits;

use crate::support::*;

async fn fails(source: &str, hosted: &[Hosted], kind: Kind, says: &str) {
    let folder = build(source);
    for hosted in hosted {
        let error = first_error(&folder, *hosted, Limits::default()).await;
        assert_eq!(error.kind(), kind, "{hosted:?}: {error:?}");
        assert!(error.message().contains(says), "{hosted:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_pages_that_were_given_back_end_the_child_alone() {
    fails("freed", &[Isolated], Kind::Incomplete, "signal 11").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_memory_that_was_given_back_are_an_error() {
    fails("freed_heap", &BOTH, Kind::Protocol, "rows break the protocol").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_a_length_beyond_their_memory_are_an_error() {
    fails("longer", &BOTH, Kind::Protocol, "something follows the end of the stream").await;
}

/// Nothing of it comes to the boundary.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_does_in_memory_of_its_own_is_not_seen() {
    for hosted in BOTH {
        let adapter = build("own_memory").load(hosted).unwrap();
        assert_eq!(read(source(&adapter).unwrap().as_ref()).await.unwrap(), two_rows(), "{hosted:?}");
    }
}
