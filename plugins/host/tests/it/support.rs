//! Plugins in C, built from `tests/hostile`, in folders of their own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use csc_bridge_core::config::{AllowedPlugin, Config};
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{self, Scan, Source, Table, TableName};
use csc_bridge_plugin_abi::rows;
use csc_bridge_plugin_host::trust::{self, Verified};
use csc_bridge_plugin_host::{Limits, Plugin, PluginAdapter, Program};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Where a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosted {
    InProcess,
    Isolated,
}
pub use Hosted::{InProcess, Isolated};

impl std::fmt::Display for Hosted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == InProcess { "in process" } else { "isolated" })
    }
}

pub const BOTH: [Hosted; 2] = [InProcess, Isolated];

/// A plugin folder with one plugin, `hostile`.
pub struct Folder {
    folder: TempDir,
}

/// Builds `tests/hostile/<source>.c`.
pub fn build(source: &str) -> Folder {
    build_with(source, &[])
}

/// Builds it with macros, `NAME=value`.
pub fn build_with(source: &str, defines: &[&str]) -> Folder {
    let folder = Folder { folder: tempfile::tempdir().unwrap() };
    folder.build(source, defines, false);
    folder.write_manifest("");
    folder
}

/// Builds it against a header whose table ends before `cancel`.
pub fn build_with_short_header(source: &str) -> Folder {
    let folder = Folder { folder: tempfile::tempdir().unwrap() };
    folder.build(source, &[], true);
    folder.write_manifest("");
    folder
}

impl Folder {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn library(&self) -> PathBuf {
        self.path().join("libhostile.so")
    }

    pub fn manifest(&self) -> PathBuf {
        self.path().join("hostile.toml")
    }

    /// Compiles over what lies there.
    pub fn build(&self, source: &str, defines: &[&str], short: bool) {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let include = tempfile::tempdir().unwrap();
        let header = std::fs::read_to_string(here.join("../abi/include/csc_bridge_plugin.h")).unwrap();
        let header = match short {
            true => {
                let shorter = header.replace("    csc_call cancel;\n", "").replace("    csc_call release;\n", "");
                assert_eq!(shorter.lines().count() + 2, header.lines().count());
                shorter
            }
            false => header,
        };
        std::fs::write(include.path().join("csc_bridge_plugin.h"), header).unwrap();
        std::fs::write(include.path().join("rows.h"), rows_header()).unwrap();
        let built = Command::new("cc")
            .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-variable"])
            .args(["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-I"])
            .arg(include.path())
            .args(defines.iter().map(|define| format!("-D{define}")))
            .arg("-o")
            .arg(self.library())
            .arg(here.join("tests/hostile").join(source).with_extension("c"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{source}: {}", String::from_utf8_lossy(&built.stderr));
    }

    /// A manifest that fits the library, with `more` lines that replace those of the same key.
    pub fn write_manifest(&self, more: &str) {
        let mut text = format!(
            "name = \"hostile\"\nversion = \"1.0.0\"\nabi = [1, 1]\nsha256 = \"{}\"\npublisher = \"tests\"\nfile = \"libhostile.so\"\n",
            self.hash()
        );
        for line in more.lines() {
            let (key, _) = line.split_once(' ').unwrap();
            let kept: Vec<&str> = text.lines().filter(|other| !other.starts_with(&format!("{key} "))).collect();
            text = format!("{}\n{line}\n", kept.join("\n"));
        }
        std::fs::write(self.manifest(), text).unwrap();
    }

    pub fn hash(&self) -> String {
        let bytes = std::fs::read(self.library()).unwrap();
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The list on which it stands, as it lies there now.
    pub fn allow(&self) -> Vec<AllowedPlugin> {
        let sha256 = Sha256::digest(std::fs::read(self.library()).unwrap()).into();
        vec![AllowedPlugin { name: "hostile".to_owned(), sha256, isolate: false, timeout: Duration::from_secs(600) }]
    }

    pub fn verified(&self) -> Verified {
        trust::open(self.path(), "hostile", &self.allow()).unwrap()
    }

    pub fn load(&self, hosted: Hosted) -> Result<PluginAdapter> {
        self.load_within(hosted, Limits::default())
    }

    pub fn load_within(&self, hosted: Hosted, limits: Limits) -> Result<PluginAdapter> {
        load(self.verified(), hosted, limits)
    }
}

pub fn load(verified: Verified, hosted: Hosted, limits: Limits) -> Result<PluginAdapter> {
    match hosted {
        InProcess => Plugin::in_process(verified, limits),
        Isolated => Plugin::isolated(verified, program(), limits),
    }
    .map(PluginAdapter::new)
}

pub fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_csc-bridge-plugin-child-of-tests").into(), arguments: Vec::new() }
}

/// Limits that a test waits for. `CSC_BRIDGE_TEST_PATIENCE` makes them so many times longer, for a tool that slows everything down.
pub fn short() -> Limits {
    let patience = std::env::var("CSC_BRIDGE_TEST_PATIENCE").map_or(1, |times| times.parse().unwrap());
    Limits { call: Duration::from_secs(2) * patience, start: Duration::from_secs(5) * patience }
}

/// A configuration with these keys of `[source]` and of `[sink]`.
pub fn config(source: &str, sink: &str) -> Config {
    let text = format!(
        "cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"hostile\"\n{source}\n[sink]\nadapter = \"hostile\"\n{sink}\n"
    );
    Config::parse(Path::new("/etc/csc-bridge/csc-bridge.toml"), &text).unwrap()
}

pub fn source(adapter: &PluginAdapter) -> Result<Arc<dyn Source>> {
    adapter.source(&config("", "").source.options)
}

pub fn table(name: &str) -> TableName {
    TableName { schema: String::new(), table: name.to_owned() }
}

pub fn persons() -> Table {
    Table { name: table("persons"), columns: vec!["id".to_owned()] }
}

pub fn scan_of_persons() -> Scan {
    let path_to_child = source::Path { joins: Vec::new(), child: "id".to_owned(), no_key: Vec::new() };
    Scan { table: persons().name, columns: persons().columns, path_to_child }
}

/// Opens a session, and reads everything there is in every way: the rows of the scan.
pub async fn read(source: &dyn Source) -> Result<Vec<(i32, String)>> {
    let mut session = source.open(&[persons()]).await?;
    source::read_all(session.list(&persons().name, &persons().columns).await?.as_mut()).await?;
    assert_eq!(session.count(&persons().name).await?, 2);
    session.select(&["A".to_owned(), "B".to_owned()]).await?;
    let batches = source::read_all(session.scan(&scan_of_persons()).await?.as_mut()).await?;
    Ok(tagged(&batches))
}

/// The child's number and the first column.
pub fn tagged(batches: &[RecordBatch]) -> Vec<(i32, String)> {
    let mut rows = Vec::new();
    for batch in batches {
        let (tags, texts) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
        rows.extend(tags.values().iter().zip(texts).map(|(tag, text)| (*tag, text.unwrap_or("NULL").to_owned())));
    }
    rows.sort();
    rows
}

pub fn two_rows() -> Vec<(i32, String)> {
    vec![(0, "A".to_owned()), (1, "B".to_owned())]
}

/// Loads and reads; what went wrong first.
pub async fn first_error(folder: &Folder, hosted: Hosted, limits: Limits) -> Error {
    let adapter = match folder.load_within(hosted, limits) {
        Ok(adapter) => adapter,
        Err(error) => return error,
    };
    match source(&adapter) {
        Ok(source) => read(source.as_ref()).await.expect_err("it reads as if nothing were wrong"),
        Err(error) => error,
    }
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// The batches that the C plugins deliver, as C arrays.
fn rows_header() -> String {
    let mut header = "#include <stdint.h>\n".to_owned();
    let ids = texts(&[Some("A"), Some("B")]);
    for (name, columns) in [
        ("SCAN", vec![("child", Arc::new(Int32Array::from(vec![0, 1])) as ArrayRef), ("id", ids.clone())]),
        ("LIST", vec![("id", ids.clone())]),
        ("DOCUMENTS", vec![("person_id", ids.clone()), ("document", texts(&[Some("{}"), None]))]),
        ("NAMELESS", vec![("person_id", texts(&[Some("A"), None])), ("document", texts(&[Some("{}"), None]))]),
        // Ids as one table has them, and as the next has them.
        ("PERSONS", vec![("id", texts(&[Some("1"), Some(" 2 "), Some("a"), Some("A")]))]),
        (
            "PLANS",
            vec![
                ("plan", Arc::new(Int64Array::from(vec![10, 11, 12, 13])) as ArrayRef),
                ("person", texts(&[Some("1"), Some("2"), Some("A"), Some("1")])),
            ],
        ),
        (
            "VISITS",
            vec![
                ("visit", texts(&[Some("v1"), Some("v2"), Some("v3"), Some("v4"), Some("v5"), Some("v6")])),
                ("of_plan", texts(&[Some("10"), Some("11"), Some(" 12"), Some("13"), None, Some("99")])),
            ],
        ),
    ] {
        // `child` is never null.
        let nullable = columns.into_iter().map(|(name, array)| (name, array, name != "child"));
        let mut bytes = Vec::new();
        rows::write(&RecordBatch::try_from_iter_with_nullable(nullable).unwrap(), &mut bytes).unwrap();
        let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let _ = writeln!(header, "static const uint8_t {name}[] = {{{}}};", list.join(","));
    }
    header.push_str("#define PERSONS_COUNT \"{\\\"rows\\\":4}\"\n#define PLANS_COUNT \"{\\\"rows\\\":4}\"\n");
    header.push_str("#ifndef VISITS_END\n#define VISITS_END \"{\\\"rows\\\":6}\"\n#endif\n");
    header
}
