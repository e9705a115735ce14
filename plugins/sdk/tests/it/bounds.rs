use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_bridge_plugin_abi::table::Entry;
use csc_bridge_plugin_sdk::__plugin;

use crate::host::load;
use crate::toy::{Toy, until, watch};

#[test]
fn two_batches_are_fetched_before_the_host_asks_and_no_more() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let watch = watch("ahead");
    let (_, _, stream) = plugin.scan(r#"{"batches":200,"watch":"ahead"}"#);
    for read in 0..50 {
        until(|| watch.fetched.load(Ordering::SeqCst) >= read + 2);
        if read % 10 == 0 {
            // Long enough for a fetch that nothing holds back.
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(watch.fetched.load(Ordering::SeqCst), read + 2, "after {read} batches were read");
        assert_eq!(plugin.call(Entry::StreamNext, stream, "").status, 0);
    }
    plugin.call(Entry::Release, stream, "").json();
    std::thread::sleep(Duration::from_millis(50));
    assert!(watch.fetched.load(Ordering::SeqCst) <= 53, "a released stream is not read on");
}
