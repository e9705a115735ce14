//! The header against its twin: a C program that is written from the twin's names says what the compiler makes of the header.
#![cfg(unix)]

use std::fmt::Write;
use std::io::ErrorKind;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use csc_bridge_plugin_abi::table::{self, Buffer, Bytes, Entry, Host, PluginTable};

/// A C expression and its value in Rust.
type Expected = Vec<(String, u64)>;

fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! fields {
    ($into:ident, $c:literal, $rust:ident { $($field:ident)* }) => {
        $into.push((concat!("sizeof(", $c, ")").to_owned(), size_of::<$rust>() as u64));
        $(
            let (offset, size) = (offset_of!($rust, $field), size_of_field(|it: &$rust| &it.$field));
            $into.push((format!("offsetof({}, {})", $c, stringify!($field)), offset as u64));
            $into.push((format!("sizeof((({} *)0)->{})", $c, stringify!($field)), size as u64));
        )*
    };
}

fn expected() -> Expected {
    let mut expected = Expected::new();
    fields!(expected, "csc_bytes", Bytes { data len });
    fields!(expected, "csc_buffer", Buffer { data len owner free });
    fields!(expected, "csc_host", Host { size context log });
    fields!(expected, "csc_plugin", PluginTable {
        magic abi reserved size
        describe source_new source_open session_list session_count session_select session_scan session_documents stream_next
        sink_facts sink_new sink_send sink_probe cancel release
    });
    for entry in Entry::ALL {
        expected.push((format!("offsetof(csc_plugin, {entry})"), entry.offset() as u64));
    }
    expected.push(("sizeof(csc_handle)".into(), size_of::<table::Handle>() as u64));
    expected.push(("sizeof(csc_status)".into(), size_of::<table::Status>() as u64));
    expected.push(("CSC_BRIDGE_MAGIC".into(), table::MAGIC));
    expected.push(("CSC_BRIDGE_ABI".into(), table::ABI.into()));
    let constants = [
        ("CSC_OK", table::OK),
        ("CSC_COMPLETE", table::COMPLETE),
        ("CSC_ERROR", table::ERROR),
        ("CSC_PANIC", table::PANIC),
        ("CSC_LOG_ERROR", table::LOG_ERROR),
        ("CSC_LOG_WARN", table::LOG_WARN),
        ("CSC_LOG_INFO", table::LOG_INFO),
        ("CSC_LOG_DEBUG", table::LOG_DEBUG),
        ("CSC_LOG_TRACE", table::LOG_TRACE),
    ];
    expected.extend(constants.map(|(name, value)| (name.to_owned(), value as u64)));
    expected
}

/// Prints every expression, and fills a table, so that the compiler looks at the types of the entries and of init.
fn program(expected: &Expected) -> String {
    let mut text = "#include \"csc_bridge_plugin.h\"\n#include <stddef.h>\n#include <stdio.h>\n\n".to_owned();
    text += "static csc_status call(csc_handle of, csc_bytes input, csc_buffer *output)\n{\n";
    text += "    output->data = input.data;\n    output->len = of;\n    return CSC_OK;\n}\n\n";
    writeln!(text, "csc_status {}(const csc_host *host, csc_plugin *table, uint64_t size)\n{{", table::INIT_SYMBOL)
        .unwrap();
    text += "    csc_bytes line = { 0, 0 };\n    if (host->log) host->log(host->context, CSC_LOG_INFO, line);\n";
    for entry in Entry::ALL {
        writeln!(text, "    table->{entry} = call;").unwrap();
    }
    text += "    table->size = size;\n    return CSC_OK;\n}\n\nint main(void)\n{\n";
    for (expression, _) in expected {
        writeln!(text, "    printf(\"%s %llu\\n\", \"{expression}\", (unsigned long long)({expression}));").unwrap();
    }
    text + "    return 0;\n}\n"
}

/// What the compiled program prints; `None` where there is no such compiler.
fn compiled(compiler: &str, arguments: &[&str], source: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, binary) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&file, source).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut command = Command::new(compiler);
    command
        .args(arguments)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(include)
        .arg("-o")
        .arg(&binary);
    let output = match command.arg(&file).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{compiler} {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(Command::new(binary).output().unwrap().stdout).unwrap())
}

fn lines(expected: &Expected) -> String {
    expected.iter().map(|(expression, value)| format!("{expression} {value}\n")).collect()
}

#[test]
fn the_header_lays_everything_out_as_the_twin_does_in_c99() {
    let expected = expected();
    let printed = compiled("cc", &["-std=c99"], &program(&expected)).expect("a C compiler called cc");
    assert_eq!(printed, lines(&expected));
}

#[test]
fn the_header_lays_everything_out_as_the_twin_does_in_cpp() {
    let expected = expected();
    match compiled("c++", &["-std=c++11", "-x", "c++"], &program(&expected)) {
        Some(printed) => assert_eq!(printed, lines(&expected)),
        None => println!("skipped: there is no C++ compiler called c++"),
    }
}
