//! `plugins/examples/csv-source`: a plugin in C that knows nothing but the header.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use csc_bridge_core::config::{AllowedPlugin, Config};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{self, Join, ReadSession, Scan, Source, Table, TableName};
use csc_bridge_plugin_abi::message::{
    NewHandle, Open, TableColumns, TableRef, decode_answer, encode, one_line, read_error,
};
use csc_bridge_plugin_abi::rows::RowReader;
use csc_bridge_plugin_abi::table::{self as boundary, Entry};
use csc_bridge_plugin_host::{Limits, PluginAdapter, trust};
use tempfile::TempDir;

use crate::support::{BOTH, Hosted, load, tagged};

/// The plugin folder: built once, by the plugin's own Makefile.
static BUILT: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("make")
        .arg("-C")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/csv-source"))
        .arg(format!("OUT={}", folder.path().display()))
        .arg("manifest")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
});

/// Loaded as an operator would: by the line that `csc-bridge plugin pin` prints.
pub fn loaded(hosted: Hosted) -> PluginAdapter {
    let line = trust::pin(BUILT.path(), "csv-source").unwrap();
    let text = format!("cms = \"sqlite\"\nla_code = \"845\"\n[plugins]\nfolder = \".\"\nallow = [{line}]\n");
    let config = Config::parse(&BUILT.path().join("csc-bridge.toml"), &text).unwrap();
    let allow: &[AllowedPlugin] = &config.plugins.allow;
    load(trust::open(BUILT.path(), "csv-source", allow).unwrap(), hosted, Limits::default()).unwrap()
}

/// A folder of a configuration, with exports in it.
struct Exports {
    folder: TempDir,
}

fn exports(files: &[(&str, &[u8])]) -> Exports {
    let exports = Exports { folder: tempfile::tempdir().unwrap() };
    for (name, content) in files {
        let path = exports.folder.path().join("exports").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    exports
}

impl Exports {
    fn source(&self, hosted: Hosted) -> Arc<dyn Source> {
        self.source_with(hosted, "folder = \"exports\"").unwrap()
    }

    fn source_with(&self, hosted: Hosted, options: &str) -> Result<Arc<dyn Source>> {
        let text = format!("cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"csv-source\"\n{options}\n");
        let config = Config::parse(&self.folder.path().join("csc-bridge.toml"), &text).unwrap();
        loaded(hosted).source(&config.source.options)
    }

    async fn open(&self, hosted: Hosted, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        self.source(hosted).open(tables).await
    }

    /// What is said where both ways say the same.
    async fn refusal(&self, tables: &[Table]) -> Error {
        let mut errors = Vec::new();
        for hosted in BOTH {
            errors.push(self.open(hosted, tables).await.err().expect("it is read"));
        }
        assert_eq!(format!("{:?}", errors[0]), format!("{:?}", errors[1]));
        errors.remove(0)
    }
}

fn table(schema: &str, name: &str, columns: &[&str]) -> Table {
    Table {
        name: TableName { schema: schema.to_owned(), table: name.to_owned() },
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
    }
}

fn persons() -> Table {
    table("", "persons", &["id", "name"])
}

async fn list(session: &mut dyn ReadSession, table: &Table) -> Vec<RecordBatch> {
    source::read_all(session.list(&table.name, &table.columns).await.unwrap().as_mut()).await.unwrap()
}

/// All values, row by row.
fn values(batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let row = |batch: &RecordBatch, row: usize| {
        let texts = batch.columns().iter().map(|column| column.as_string::<i32>());
        texts.map(|texts| texts.iter().nth(row).flatten().map(str::to_owned)).collect()
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |place| row(batch, place))).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_folder_and_of_its_subfolders_are_joined() {
    let exports = exports(&[
        ("persons.csv", b"id,name\r\n1,Ann\r\n 2 ,Bob\r\nA,Cy\r\na,Di\r\n"),
        ("dbo/cp plans.csv", b"plan,person\n10,1\n11,2\n12,A\n13,1\n"),
        ("dbo/visits.csv", b"when,visit,of_plan\n,v1,10\n,v2,11\n,v3, 12\n,v4,13\n,v5,\n,v6,99\n"),
    ]);
    let (plans, visits) =
        (table("dbo", "cp plans", &["plan", "person"]), table("dbo", "visits", &["visit", "of_plan"]));
    for hosted in BOTH {
        let mut session = exports.open(hosted, &[persons(), plans.clone(), visits.clone()]).await.unwrap();
        assert_eq!(values(&list(session.as_mut(), &persons()).await)[3], some(&["a", "Di"]));
        assert_eq!(session.count(&visits.name).await.unwrap(), 6);
        session.select(&["2".to_owned(), "1".to_owned(), "a".to_owned()]).await.unwrap();
        let join = Join { column: "of_plan".to_owned(), table: plans.name.clone(), key: "plan".to_owned() };
        let path_to_child = source::Path { joins: vec![join], child: "person".to_owned(), no_key: Vec::new() };
        let scan = Scan { table: visits.name.clone(), columns: vec!["visit".to_owned()], path_to_child };
        let read = source::read_all(session.scan(&scan).await.unwrap().as_mut()).await.unwrap();
        let expected = [(0, "v2"), (1, "v1"), (1, "v4")].map(|(child, visit)| (child, visit.to_owned()));
        assert_eq!(tagged(&read), expected, "{hosted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_comes_as_it_was_written() {
    let content = "\u{feff}\"id\",name\r\n\
        1,\"Smith, \"\"Jo\"\"\"\r\n\
        2,\"two\r\nlines\"\n\
        3,\u{1f600}\u{10ffff}é\n\
        4,\n\
        5,\"\"\n\
        6,  spaces  \n\
        \"\",\"\"\"\"";
    let exports = exports(&[("persons.csv", content.as_bytes())]);
    for hosted in BOTH {
        let mut session = exports.open(hosted, &[persons()]).await.unwrap();
        let expected = vec![
            some(&["1", "Smith, \"Jo\""]),
            some(&["2", "two\r\nlines"]),
            some(&["3", "\u{1f600}\u{10ffff}é"]),
            vec![Some("4".to_owned()), None],
            some(&["5", ""]),
            some(&["6", "  spaces  "]),
            some(&["", "\""]),
        ];
        assert_eq!(values(&list(session.as_mut(), &persons()).await), expected, "{hosted:?}");
        // Records are counted, not lines.
        assert_eq!(session.count(&persons().name).await.unwrap(), 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_several_batches_comes_whole_and_in_order() {
    let rows = (0..25_000).map(|row| format!("{row},{}\n", "é".repeat(row % 90)));
    let content = format!("id,name\n{}", rows.collect::<String>());
    let exports = exports(&[("persons.csv", content.as_bytes()), ("none.csv", b"id")]);
    for hosted in BOTH {
        let none = table("", "none", &["id"]);
        let mut session = exports.open(hosted, &[persons(), none.clone()]).await.unwrap();
        let read = values(&list(session.as_mut(), &persons()).await);
        assert_eq!(read.len(), 25_000);
        for (row, values) in read.into_iter().enumerate() {
            let name = (row % 90 > 0).then(|| "é".repeat(row % 90));
            assert_eq!(values, [Some(row.to_string()), name]);
        }
        assert_eq!(session.count(&none.name).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_csv_is_refused_with_its_line_and_without_its_values() {
    for (content, says) in [
        (b"id,name\n1,secret\n2\n".as_slice(), "line 3: the row has 1 fields, the header has 2"),
        (b"id,name\n1,\"a\nb\"\n2,secret,3\n", "line 4: the row has 3 fields, the header has 2"),
        (b"id,name\n1,secret\n\n2,b\n", "line 3: the row has 1 fields"),
        (b"id,name\n1,secret\n2,\"secret\n3,c\n", "line 3: the quote that opens here is never closed"),
        (b"id,name\n1,secret\xff\n", "line 2: the row that begins here is not UTF-8"),
        // Each is half a character, and both together one.
        (b"id,name\n\xc3,\xa9\n", "line 2: the row that begins here is not UTF-8"),
        (b"id,name\n1,\xed\xa0\x80\n", "line 2: the row that begins here is not UTF-8"),
        (b"id,name\n1,\"secret\"x\n", "line 2: something other than a comma follows a closing quote"),
        (b"id,name\n1,sec\"ret\n", "line 2: a quote within a field"),
        (b"id,name\n1,secret\r2,b\r", "line 2: a carriage return without a line feed"),
        (b"\xff\xfei\0d\0\n", "line 1: the row that begins here is not UTF-8"),
    ] {
        let error = exports(&[("persons.csv", content)]).refusal(&[persons()]).await;
        assert_eq!(error.kind(), Kind::Data, "{error:?}");
        assert!(error.message().contains(&format!("persons.csv, {says}")), "{error:?}");
        assert!(!error.message().contains("secret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_or_column_that_is_missing_is_named() {
    let exports = exports(&[("persons.csv", b"id,Name,id2,id2\n"), ("empty.csv", b""), ("dbo/x.csv", b"id\n")]);
    for (table, says) in [
        (table("", "plans", &["id"]), "no file plans.csv"),
        (table("dbo", "persons", &["id"]), "no file dbo/persons.csv"),
        (table("persons.csv", "x", &["id"]), "no file persons.csv/x.csv"),
        (persons(), "persons.csv has no column name"),
        (table("", "persons", &["id2"]), "persons.csv has more than one column id2"),
        (table("", "empty", &["id"]), "empty.csv is empty"),
        (table("", "../exports/persons", &["id"]), "cannot be the name of a file"),
        (table("..", "persons", &["id"]), "cannot be the name of a file"),
        (table("dbo/../dbo", "x", &["id"]), "cannot be the name of a file"),
        (table("", "dbo\\x", &["id"]), "cannot be the name of a file"),
        (table("", "", &["id"]), "cannot be the name of a file"),
    ] {
        let error = exports.refusal(&[table]).await;
        assert_eq!(error.kind(), Kind::Schema, "{error:?}");
        assert!(error.message().contains(says), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_file_is_not_waited_for() {
    let exports = exports(&[("folder.csv/x.csv", b"id\n")]);
    let pipe = exports.folder.path().join("exports/pipe.csv");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    for name in ["folder", "pipe"] {
        let error = exports.refusal(&[table("", name, &["id"])]).await;
        assert_eq!((error.kind(), error.message().contains(&format!("{name}.csv is not a file"))), (Kind::Io, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_other_than_a_folder_are_refused() {
    let exports = exports(&[("persons.csv", b"id,name\n")]);
    for hosted in BOTH {
        for (options, says) in [
            ("", "needs the option folder"),
            ("folder = 7", "needs the option folder"),
            ("folder = \"\"", "needs the option folder"),
            ("folder = \"exports\"\nseparator = \";\"", "no option separator"),
        ] {
            let error = exports.source_with(hosted, options).err().expect(options);
            assert_eq!(error.kind(), Kind::Config, "{error:?}");
            assert!(error.message().contains(says), "{error:?}");
        }
        // Nothing is opened before a session is.
        let error = exports.source_with(hosted, "folder = \"gone\"").unwrap().open(&[persons()]).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config, "{error:?}");
        // An absolute path is not relative to anything.
        let folder = format!("folder = '{}'", exports.folder.path().join("exports").display());
        exports.source_with(hosted, &folder).unwrap().open(&[persons()]).await.unwrap();
    }
}

/// The library called as the host calls it, so that something can happen between two calls.
#[allow(unsafe_code)]
mod bare {
    use csc_bridge_plugin_abi::table::{self as boundary, Buffer, Bytes, Entry, Handle, PluginTable, Status};

    pub struct Bare {
        table: PluginTable,
    }

    impl Bare {
        pub fn load(path: &std::path::Path) -> Bare {
            // SAFETY: the library was just built from the sources of the example; all zero is a table without entries.
            unsafe {
                let library = Box::leak(Box::new(libloading::Library::new(path).unwrap()));
                let init = library.get::<boundary::Init>(boundary::INIT_SYMBOL.as_bytes()).unwrap();
                let mut table: PluginTable = std::mem::zeroed();
                assert_eq!(init(std::ptr::null(), &mut table, size_of::<PluginTable>() as u64), boundary::OK);
                Bare { table }
            }
        }

        pub fn call(&self, entry: Entry, of: Handle, input: &[u8]) -> (Status, Vec<u8>) {
            let call = match entry {
                Entry::SourceNew => self.table.source_new,
                Entry::SourceOpen => self.table.source_open,
                Entry::SessionList => self.table.session_list,
                Entry::SessionCount => self.table.session_count,
                Entry::StreamNext => self.table.stream_next,
                Entry::Cancel => self.table.cancel,
                _ => self.table.release,
            };
            // SAFETY: input and output are as the header says, and the output is freed once, after it was copied.
            unsafe {
                let mut output: Buffer = std::mem::zeroed();
                let status = call.unwrap()(of, Bytes { data: input.as_ptr(), len: input.len() as u64 }, &mut output);
                let bytes = match output.len {
                    0 => Vec::new(),
                    len => std::slice::from_raw_parts(output.data, usize::try_from(len).unwrap()).to_vec(),
                };
                if let Some(free) = output.free {
                    free(output.owner);
                }
                (status, bytes)
            }
        }
    }
}

impl bare::Bare {
    fn made(&self, entry: Entry, of: u64, input: &[u8]) -> u64 {
        let (status, output) = self.call(entry, of, input);
        assert_eq!(status, boundary::OK, "{}", String::from_utf8_lossy(&output));
        decode_answer::<NewHandle>(entry, &output).unwrap().handle.get()
    }

    /// A session with the table persons, and a stream of it.
    fn stream(&self, exports: &Exports) -> (u64, u64) {
        let input = format!("{{\"options\":{{\"folder\":\"exports\"}},\"folder\":{:?}}}", exports.folder.path());
        let source = self.made(Entry::SourceNew, 0, input.as_bytes());
        let open = encode(&Open { tables: vec![columns_of_persons()] }).unwrap();
        let session = self.made(Entry::SourceOpen, source, &open);
        (session, self.made(Entry::SessionList, session, &encode(&columns_of_persons()).unwrap()))
    }
}

fn columns_of_persons() -> TableColumns {
    let name = TableRef { schema: String::new(), table: "persons".to_owned() };
    TableColumns { table: name, columns: persons().columns }
}

fn many_persons() -> Exports {
    let rows: String = (0..25_000).map(|row| format!("{row},name\n")).collect();
    exports(&[("persons.csv", format!("id,name\n{rows}").as_bytes())])
}

#[test]
fn batches_have_ten_thousand_rows_at_most_and_about_four_megabytes() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let long = "x".repeat(1_500_000);
    let huge = "y".repeat(9_000_000);
    let longs =
        exports(&[("persons.csv", format!("id,name\n1,{long}\n2,{long}\n3,{long}\n4,{huge}\n5,\n").as_bytes())]);
    for (exports, expected) in [(many_persons(), vec![10_000, 10_000, 5_000]), (longs, vec![2, 1, 1, 1])] {
        let (_, stream) = plugin.stream(&exports);
        let (mut sizes, mut reader) = (Vec::new(), RowReader::new());
        let last = loop {
            match plugin.call(Entry::StreamNext, stream, b"") {
                (boundary::OK, rows) => sizes.push(reader.read(&rows).unwrap().num_rows()),
                last => break last,
            }
        };
        let count = expected.iter().sum::<usize>();
        assert_eq!((sizes, last), (expected, (boundary::COMPLETE, format!("{{\"rows\":{count}}}").into_bytes())));
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_incomplete() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let touched = |file: &File, by: Duration| {
        let then = file.metadata().unwrap().modified().unwrap();
        file.set_modified(then + by).unwrap();
    };
    let resized = |file: &File, size: u64| {
        let then = file.metadata().unwrap().modified().unwrap();
        file.set_len(size).unwrap();
        file.set_modified(then).unwrap();
    };
    // Each differs in one thing alone.
    let changes: [&dyn Fn(&File); 4] = [
        &|file| resized(file, 200_000),
        &|file| resized(file, 1_000_000),
        &|file| touched(file, Duration::from_secs(2)),
        &|file| touched(file, Duration::from_nanos(1)),
    ];
    for change in changes {
        let exports = many_persons();
        let (session, stream) = plugin.stream(&exports);
        assert_eq!(plugin.call(Entry::StreamNext, stream, b"").0, boundary::OK);
        let path = exports.folder.path().join("exports/persons.csv");
        change(&File::options().write(true).open(path).unwrap());
        let output = loop {
            let (status, output) = plugin.call(Entry::StreamNext, stream, b"");
            match status {
                boundary::OK => {}
                _ => break (status, output),
            }
        };
        assert_eq!(output.0, boundary::ERROR);
        let error = read_error(Entry::StreamNext, &output.1);
        assert_eq!((error.kind(), error.message()), (Kind::Incomplete, "persons.csv changed while it was read"));
        // The session is of that moment, which is over.
        let (status, output) = plugin.call(Entry::SessionCount, session, &encode(&columns_of_persons()).unwrap());
        assert_eq!((status, read_error(Entry::SessionCount, &output).kind()), (boundary::ERROR, Kind::Incomplete));
    }
}

#[test]
fn a_file_that_is_replaced_is_read_as_it_was() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let exports = exports(&[("persons.csv", b"id,name\n1,Ann\n"), ("new", b"id,name\n")]);
    let (_, stream) = plugin.stream(&exports);
    let folder = exports.folder.path().join("exports");
    std::fs::rename(folder.join("new"), folder.join("persons.csv")).unwrap();
    let (status, rows) = plugin.call(Entry::StreamNext, stream, b"");
    assert_eq!((status, RowReader::new().read(&rows).unwrap().num_rows()), (boundary::OK, 1));
    assert_eq!(plugin.call(Entry::StreamNext, stream, b"").0, boundary::COMPLETE);
}

#[test]
fn a_handle_that_is_not_known_is_an_internal_error() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let exports = exports(&[("persons.csv", b"id,name\n")]);
    let (session, stream) = plugin.stream(&exports);
    assert!(stream > session);
    assert_eq!(plugin.call(Entry::Release, stream, b"").0, boundary::OK);
    let again = plugin.made(Entry::SessionList, session, &encode(&columns_of_persons()).unwrap());
    assert!(again > stream, "a number is never used again");
    for (entry, of) in [
        (Entry::StreamNext, stream),
        (Entry::StreamNext, session),
        (Entry::SessionCount, again),
        (Entry::SourceOpen, 0),
        (Entry::Release, stream),
        (Entry::Cancel, u64::MAX),
    ] {
        let (status, output) = plugin.call(entry, of, b"{}");
        let error = read_error(entry, &output);
        assert_eq!((status, error.kind()), (boundary::ERROR, Kind::Internal), "{error:?}");
        assert!(!one_line(error.advice(), "").is_empty());
    }
}

#[test]
fn a_call_that_is_cancelled_ends_as_interrupted_and_the_next_one_runs() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let exports = many_persons();
    let (session, _) = plugin.stream(&exports);
    let input = encode(&columns_of_persons()).unwrap();
    let error = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            loop {
                match plugin.call(Entry::SessionCount, session, &input) {
                    (boundary::OK, _) => {}
                    (_, output) => break read_error(Entry::SessionCount, &output),
                }
            }
        });
        while !counting.is_finished() {
            assert_eq!(plugin.call(Entry::Cancel, session, b"").0, boundary::OK);
        }
        counting.join().unwrap()
    });
    assert_eq!(error.kind(), Kind::Interrupted, "{error:?}");
    let counted = plugin.call(Entry::SessionCount, session, &input);
    assert_eq!(counted, (boundary::OK, b"{\"rows\":25000}".to_vec()));
}

#[test]
fn inputs_are_any_json_and_nothing_else() {
    let plugin = bare::Bare::load(&BUILT.path().join("libcsv_source.so"));
    let exports = exports(&[("persons.csv", "\"a\"\"\u{1f600}/\u{e9}\n\"\n".as_bytes())]);
    let folder = exports.folder.path().join("exports");
    let input =
        format!(r#" {{"more":[1,-2.5e+3,true,{{"x":null}}], "folder":"/", "options":{{"folder":{folder:?}}}}} "#);
    let source = plugin.made(Entry::SourceNew, 0, input.as_bytes());
    let named = r#"{"table":{"schema":"","table":"p\u0065rsons"},"columns":["a\"\ud83d\uDE00\/\u00e9\n"]}"#;
    plugin.made(Entry::SourceOpen, source, format!("{{\"tables\":[{named}]}}").as_bytes());

    let deep = "[".repeat(1_000_000);
    for input in [
        "",
        "[]",
        "{",
        "{\"tables\":[]}x",
        "{\"tables\":[],}",
        "{\"tables\":[1 2]}",
        "{\"tables\":[01]}",
        "{\"x\":\"\\ud83d\",\"tables\":[]}",
        "{\"x\":\"\\ude00\",\"tables\":[]}",
        "{\"x\":\"\n\",\"tables\":[]}",
        "{\"tables\":null}",
        "{\"tables\":[7]}",
        &deep,
    ] {
        let (status, output) = plugin.call(Entry::SourceOpen, source, input.as_bytes());
        let error = read_error(Entry::SourceOpen, &output);
        assert_eq!((status, error.kind()), (boundary::ERROR, Kind::Protocol), "{error:?}");
        assert!(error.message().starts_with("the host's input of source_open "), "{error:?}");
    }
    assert_eq!(plugin.call(Entry::SourceOpen, source, b"{\"x\":\"\xff\",\"tables\":[]}").0, boundary::ERROR);
}
