use csc_bridge_plugin_abi::table::{Entry, LOG_INFO};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::load;
use crate::toy::Toy;

#[test]
fn the_authors_events_reach_the_hosts_log_and_a_drivers_do_not() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session) = plugin.session("{}");
    plugin.call(Entry::Release, session, "").json();
    assert_eq!(plugin.logged(), [(LOG_INFO, "a session begins tables=1".to_owned())]);
}

#[test]
fn a_plugin_logs_to_its_own_host() {
    __plugin!(P, source: Toy);
    __plugin!(Q, source: Toy);
    let (first, second) = (load::<P>(), load::<Q>());
    second.session("{}");
    assert_eq!((first.logged().len(), second.logged().len()), (0, 1));
}
