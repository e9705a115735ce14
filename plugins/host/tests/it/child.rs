//! The child process does not outlive the program.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::*;

#[test]
fn a_child_ends_when_its_program_does_also_in_the_middle_of_a_call() {
    let library = std::fs::read(build("init_forever").library()).unwrap();
    for under_way in [false, true] {
        let program = program();
        let mut child = Command::new(&program.path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        if under_way {
            // The frame that loads a library: its init does not come back.
            let mut frame = vec![255];
            frame.extend(0u64.to_le_bytes());
            frame.extend((library.len() as u64 + 8).to_le_bytes());
            frame.extend(b"hostile\n");
            frame.extend(&library);
            to.write_all(&frame).unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before its input did");
        drop(to);
        child.wait().unwrap();
    }
}
