//! The program in a folder of its own, run as its users run it: a configuration, a database, processes, and a simulated DfE to send to.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use csc_bridge_core::config::{Names, PayloadConfig, Profile, Semantics, load_definition};
use csc_bridge_core::payload::{Plan, validate};
use csc_bridge_dfe_csc_simulator::{Running, Settings, Simulator, Stats, Validator};
use rusqlite::types::Value as Sql;
use serde_json::Value;

/// The day on which the tests play, so that midnight changes nothing.
pub const DAY: &str = "2026-11-19";

/// The staging table.
pub const STAGING: &str = "ssd_api_data_staging";

/// Nobody listens here: a port below those that are given out.
pub const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

/// A folder with a configuration and, once `generate` has run, a database.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    /// An empty folder of this name, which is not there yet.
    #[cfg(windows)]
    pub fn at(parent: &Path, name: &str) -> Place {
        let folder = tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(parent);
        Place { folder: folder.expect("a folder") }
    }

    /// A folder with a configuration that sends to `api`.
    pub fn new(api: SocketAddr) -> Place {
        let place = Place::empty();
        place.configure(api);
        place
    }

    /// The same, filled with made-up children.
    pub fn filled(api: SocketAddr, children: usize) -> Place {
        let place = Place::new(api);
        place.play(["generate", "--children", &children.to_string()]).well();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file is written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes a configuration that sends to `api`.
    pub fn configure(&self, api: SocketAddr) {
        self.write("csc-bridge.toml", &configuration("sqlite", api));
        self.write("secret", "a-secret\n");
    }

    /// Changes the configuration: what stands there must be there.
    pub fn reconfigure(&self, from: &str, to: &str) {
        let text = self.read("csc-bridge.toml");
        assert!(text.contains(from), "{from} is not in the configuration");
        self.write("csc-bridge.toml", &text.replace(from, to));
    }

    /// The program, about to be run in the folder.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csc-bridge"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        Ended::of(&mut self.command(args))
    }

    /// Runs a command that has a run date, on [`DAY`].
    pub fn play<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        let mut command = self.command(args);
        command.args(["--run-date", DAY]);
        Ended::of(&mut command)
    }

    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("cohort.db")).expect("the database")
    }

    pub fn sql(&self, statements: &str) {
        self.database().execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    pub fn number(&self, query: &str) -> i64 {
        self.database().query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    pub fn text(&self, query: &str) -> String {
        self.database().query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Every column of every row of a table.
    pub fn table(&self, name: &str) -> Vec<Vec<Sql>> {
        let database = self.database();
        let mut rows = database.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1")).expect("a table");
        let columns = rows.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        rows.query_map([], row).expect("rows").map(|row| row.expect("a row")).collect()
    }

    /// How many rows of the staging table have a status.
    pub fn count(&self, status: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE submission_status = '{status}'"))
    }

    /// Writes keys into a section of the configuration, which is made where it is not there.
    pub fn set(&self, section: &str, keys: &str) {
        let (text, heading) = (self.read("csc-bridge.toml"), format!("[{section}]\n"));
        let text = match text.contains(&heading) {
            true => text.replace(&heading, &format!("{heading}{keys}\n")),
            false => format!("{text}\n{heading}{keys}\n"),
        };
        self.write("csc-bridge.toml", &text);
    }

    /// The id of the child whose row is so many behind the first.
    pub fn child(&self, number: usize) -> String {
        self.text(&format!("SELECT person_id FROM {STAGING} ORDER BY id LIMIT 1 OFFSET {number}"))
    }

    /// A child's row in the staging table.
    pub fn row(&self, child: &str) -> Row {
        let sql = format!("SELECT * FROM {STAGING} WHERE person_id = ?");
        let json = |text: Option<String>| text.map(|text| serde_json::from_str(&text).expect("JSON"));
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Row {
                status: row.get("submission_status")?,
                state: row.get("row_state")?,
                document: json(row.get("json_payload")?).expect("a document"),
                held: json(row.get("previous_json_payload")?),
                outgoing: json(row.get("partial_json_payload")?),
                current_hash: row.get("current_hash")?,
                previous_hash: row.get("previous_hash")?,
                response: row.get("api_response")?,
                last_updated: row.get::<_, Option<String>>("last_updated")?.unwrap_or_default(),
            })
        };
        self.database().query_row(&sql, [child], read).unwrap_or_else(|error| panic!("{child}: {error}"))
    }

    /// Every document of the SSD, read again.
    pub fn documents(&self) -> BTreeMap<String, Value> {
        by_child(&self.play(["payload", "--all", "--quiet"]).well().stdout)
    }

    /// Makes unanswered requests old enough to be taken up.
    pub fn age_intents(&self) {
        self.sql("UPDATE ssd_api_submission_log SET opened_at = '2001-01-01 00:00:00.000' WHERE outcome IS NULL");
    }

    /// What DfE holds is what the SSD says, for every child of the cohort.
    pub fn converged(&self, dfe: &Dfe) {
        let (wanted, held) = (self.documents(), dfe.children());
        assert!(!wanted.is_empty(), "there is nothing to compare");
        let differ: Vec<&String> = wanted.keys().filter(|id| held.get(*id) != wanted.get(*id)).collect();
        assert!(differ.is_empty(), "DfE holds something else for {differ:?}");
    }

    /// The text of every file in the state folder, with its path.
    pub fn state_files(&self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        walk(&self.path("state"), &mut files);
        files
    }
}

fn walk(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            walk(&entry, files);
        } else {
            let bytes = fs::read(&entry).expect("a file");
            files.push((entry, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// A row of the staging table, of which one child has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub status: String,
    pub state: String,
    pub document: Value,
    pub held: Option<Value>,
    pub outgoing: Option<Value>,
    pub current_hash: Option<Vec<u8>>,
    pub previous_hash: Option<Vec<u8>>,
    pub response: Option<String>,
    pub last_updated: String,
}

impl Row {
    /// `submission_status` and `row_state`.
    pub fn says(&self) -> (&str, &str) {
        (&self.status, &self.state)
    }
}

/// The configuration of a CMS, with an SSD in SQLite. Retries are few, so that failures come soon.
pub fn configuration(cms: &str, api: SocketAddr) -> String {
    format!(
        r#"cms       = "{cms}"
la_code   = "845"
state_dir = "state"

[source]
adapter      = "sqlite"
database     = "cohort.db"
schema       = ""
lock_timeout = "10s"

[sink]
endpoint        = "http://{api}"
token_endpoint  = "http://{api}/token"
scope           = "simulator/.default"
client_id       = {{ file = "secret" }}
client_secret   = {{ file = "secret" }}
supplier_key    = {{ file = "secret" }}
connect_timeout = "5s"
max_attempts    = 2
"#
    )
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Runs a process to its end.
    pub fn of(command: &mut Command) -> Ended {
        let output = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        let ended = Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// It ended with 0.
    pub fn well(self) -> Ended {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The JSON object: the last line of standard output.
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("nothing was printed: {}", self.stderr));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// It failed with this code and one message that holds these words, and said what to do.
    pub fn fails(&self, code: i32, words: &[&str]) -> &str {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let messages: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(messages.len(), 1, "{}", self.stderr);
        let advice: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("  what to do: ")).collect();
        assert_eq!(advice.len(), 1, "{}", self.stderr);
        assert!(advice[0].len() > "  what to do: ".len() + 5, "{}", self.stderr);
        for word in words {
            assert!(messages[0].contains(word), "\"{word}\" is not in: {}", messages[0]);
        }
        messages[0]
    }
}

/// A process at work, ended when dropped.
pub struct Working(pub Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The simulated DfE, in this process.
pub struct Dfe {
    running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Dfe {
    /// Judges documents as `csc-bridge simulate` does.
    pub fn start() -> Dfe {
        Dfe::with(Settings { validator: Some(validator(Semantics::Replace)), ..Settings::default() })
    }

    /// Merges a second document into the first.
    pub fn merging() -> Dfe {
        let semantics = Semantics::Merge;
        Dfe::with(Settings { validator: Some(validator(semantics)), semantics, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> Dfe {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = runtime.block_on(Simulator::start(listen, settings)).expect("the simulator starts");
        Dfe { running, _runtime: runtime }
    }

    pub fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    pub fn stats(&self) -> Stats {
        self.running.stats()
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// What is held, by child.
    pub fn children(&self) -> BTreeMap<String, Value> {
        by_child(&get(self.addr(), "/_simulator/children/845"))
    }
}

/// What `csc-bridge simulate` judges documents by.
pub fn validator(semantics: Semantics) -> Validator {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("the definition");
    let payload = PayloadConfig::default();
    let day = DAY.parse().expect("a date");
    let plan = Plan::new(&definition, &Profile::default(), &Names::default(), &payload, day).expect("a plan");
    Arc::new(move |document| validate::complaints(&plan, semantics, document))
}

/// Documents, one a line, by child.
pub fn by_child(lines: &str) -> BTreeMap<String, Value> {
    let document = |line: &str| {
        let document: Value = serde_json::from_str(line).expect("a document is JSON");
        (document["la_child_id"].as_str().expect("an id").to_owned(), document)
    };
    let documents: BTreeMap<String, Value> = lines.lines().map(document).collect();
    assert_eq!(documents.len(), lines.lines().count(), "a child has two documents");
    documents
}

/// The body at an address of this machine.
pub fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("a connection");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {addr}\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}
