//! A program that was built without Oracle's adapter.

use crate::program::{NOBODY, Place, configuration};

#[test]
fn a_configuration_for_oracle_is_told_that_the_program_was_built_without_it() {
    let place = Place::empty();
    place.write("secret", "a-secret\n");
    place.write("csc-bridge.toml", &configuration("azeus", NOBODY));
    place.reconfigure("adapter      = \"sqlite\"\n", "");
    let ended = place.play(["stage"]);
    ended.fails(2, &["built without its database adapter \"oracle\""]);
}
