//! For the tests: where the library is, and what it is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// What the driver asks the operating system for.
const NAME: &str = if cfg!(windows) { "oci.dll" } else { "libclntsh.so" };

/// A folder in which the library has the name that Oracle gives it: the `oracle_client_lib_dir` of the driver. It lasts as long as the process.
///
/// # Panics
/// The library was not built beside the running program: its crate must be among the program's dev-dependencies.
pub fn client_folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let program = std::env::current_exe().unwrap_or_default();
        let beside = program.parent().unwrap_or(Path::new("."));
        let name = format!("{}csc_bridge_test_oci{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let places = [beside.join(&name), beside.join("deps").join(&name)];
        let Some(library) = places.iter().find(|place| place.exists()) else {
            panic!("{} is not there: is csc-bridge-test-oci a dev-dependency?", places[0].display());
        };
        let folder = tempfile::Builder::new().prefix("csc-bridge-oci-").tempdir();
        let folder = folder.unwrap_or_else(|fault| panic!("no temporary folder: {fault}"));
        link(library, &folder.path().join(NAME));
        folder
    });
    made.path()
}

#[cfg(unix)]
fn link(library: &Path, name: &Path) {
    std::os::unix::fs::symlink(library, name).unwrap_or_else(|fault| panic!("{}: {fault}", name.display()));
}

#[cfg(not(unix))]
fn link(library: &Path, name: &Path) {
    fs::copy(library, name).unwrap_or_else(|fault| panic!("{}: {fault}", name.display()));
}

/// A folder of faults and of the log of statements, for the connections that name it in their connect string or environment. It is
/// removed when this is dropped.
#[derive(Debug)]
pub struct Control {
    folder: TempDir,
}

impl Control {
    /// A folder of its own, without faults.
    ///
    /// # Panics
    /// No temporary folder can be made.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Control {
        let folder = tempfile::Builder::new().prefix("csc-bridge-oci-control-").tempdir();
        Control { folder: folder.unwrap_or_else(|fault| panic!("no temporary folder: {fault}")) }
    }

    /// The folder: the value of the environment variable `CSC_BRIDGE_OCI`.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A connect string with this folder, for a port and a database.
    pub fn connect_string(&self, port: u16, database: &str) -> String {
        format!("//127.0.0.1:{port}/{database}?csc_bridge_oci={}", self.folder.path().display())
    }

    /// The server's version, `12.1` unless it is set before a connection is made.
    ///
    /// # Panics
    /// The folder is gone.
    pub fn version(&self, version: &str) {
        self.write("version", version);
    }

    /// Lets something go wrong so often, at a call whose text has `text` in it: an error by its number (`1555`), `drop`, `drop-after`,
    /// `drop-after-rows=10` or `1555-after-rows=10`. `LOGIN user`, `COMMIT`, `ROLLBACK` and `PING` are the texts of those calls.
    ///
    /// # Panics
    /// The folder is gone.
    pub fn fail(&self, what: &str, text: &str, times: u32) {
        let before = fs::read_to_string(self.folder.path().join("faults")).unwrap_or_default();
        self.write("faults", &format!("{before}{times} {what} {text}\n"));
    }

    /// The statements executed until now, each a line.
    pub fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    }
}
