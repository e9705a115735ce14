//! The server itself.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Options;
use crate::account::Account;
use crate::binaries;
use crate::watchdog::Watchdog;

const SUPERUSER: &str = "csc_bridge_tests";
const PASSWORD: &str = "only for tests";
/// The password in a URL.
const PASSWORD_IN_URL: &str = "only%20for%20tests";
/// A machine that runs several test binaries at once is slow to start a server.
const PATIENCE: Duration = Duration::from_secs(60);
/// Somebody else may take a free port before the server does.
const PORTS: u32 = 5;

/// A running PostgreSQL server. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    version: u32,
    folder: PathBuf,
    port: u16,
    account: Account,
    child: Mutex<Option<Child>>,
    databases: AtomicU32,
    // Dropped last: it is what ends the server.
    _watchdog: Watchdog,
}

impl Server {
    /// Starts a server with the usual options, or prints that none is installed.
    pub fn start() -> Option<Server> {
        Server::with(Options::default())
    }

    /// Starts a server, or prints that none is installed.
    ///
    /// # Panics
    /// A server is installed, and does not start.
    pub fn with(options: Options) -> Option<Server> {
        let Some((binaries, version)) = binaries::find() else {
            println!("skipped: no PostgreSQL server is installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("csc-bridge-pg-").tempdir().unwrap().keep();
        let mut server = Server {
            _watchdog: Watchdog::over(&folder),
            account: Account::of_server(),
            child: Mutex::new(None),
            databases: AtomicU32::new(0),
            port: 0,
            binaries,
            version,
            folder,
        };
        server.account.own(&server.folder);
        server.initialise(&options);
        for _ in 0..PORTS {
            server.port = free_port();
            if server.launch() {
                return Some(server);
            }
        }
        panic!("PostgreSQL does not start:\n{}", server.log());
    }

    fn initialise(&self, options: &Options) {
        let password = self.file("password", format!("{PASSWORD}\n").as_bytes());
        let locale = if options.locale.is_empty() { "C.UTF-8" } else { &options.locale };
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(self.data()).arg("--pwfile").arg(&password).args([
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
            &format!("--locale={locale}"),
            &format!("--username={SUPERUSER}"),
        ]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

        let mut settings = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("unix_socket_directories".to_owned(), self.folder.display().to_string()),
            ("max_connections".to_owned(), "60".to_owned()),
            ("shared_buffers".to_owned(), "64MB".to_owned()),
        ];
        if !options.durable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                settings.push((name.to_owned(), "off".to_owned()));
            }
        }
        if let Some((certificate, key)) = &options.tls {
            let files = [("ssl_cert_file", "server.crt", certificate), ("ssl_key_file", "server.key", key)];
            settings.push(("ssl".to_owned(), "on".to_owned()));
            for (setting, name, from) in files {
                let copy = self.file(name, &fs::read(from).unwrap());
                settings.push((setting.to_owned(), copy.display().to_string()));
            }
        }
        if let Some(from) = &options.client_ca {
            let copy = self.file("client-ca.crt", &fs::read(from).unwrap());
            settings.push(("ssl_ca_file".to_owned(), copy.display().to_string()));
        }
        settings.extend(options.settings.iter().cloned());
        let lines: Vec<String> =
            settings.iter().map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect();
        self.append("postgresql.conf", &lines.concat());
        if !options.hba.is_empty() {
            let file = self.data().join("pg_hba.conf");
            let own = fs::read_to_string(&file).unwrap();
            fs::write(file, format!("{}\n{own}", options.hba.join("\n"))).unwrap();
        }
    }

    /// Starts the server's process; whether it came up.
    fn launch(&self) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.join("server.log")).unwrap();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn();
        let mut child = child.unwrap();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.try_psql("postgres", "SELECT 1").is_ok() {
                *self.child() = Some(child);
                return true;
            }
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of its superuser.
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        PASSWORD
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        &self.folder
    }

    /// Its major version; 0 where `CSC_BRIDGE_PG_BIN` does not tell.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The address of a database as a URL, with the superuser's name and password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database that no other test has, and returns its name.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        // From template0: nobody is ever connected to it, which a copy could not bear.
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        name
    }

    /// Runs statements as superuser and returns what they print: a line for each row, `|` between columns.
    ///
    /// # Panics
    /// The server refuses one.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        match self.try_psql(database, sql) {
            Ok(printed) => printed,
            Err(refused) => panic!("{sql}\n{refused}"),
        }
    }

    /// As [`Server::psql`]; what the server refuses is the error.
    ///
    /// # Errors
    /// The server's own words.
    pub fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let done = Command::new(self.binaries.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--host=127.0.0.1", "--no-password", "--port", &self.port.to_string()])
            .args(["--username", SUPERUSER, "--dbname", database, "--command", sql])
            .env("PGPASSWORD", PASSWORD)
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        match done.status.success() {
            true => Ok(String::from_utf8_lossy(&done.stdout).trim_end_matches('\n').to_owned()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }

    /// Ends all connections to a database but the one that does this; returns how many.
    pub fn kill_backends(&self, database: &str) -> usize {
        let killed = format!(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        );
        self.psql("postgres", &killed).parse().unwrap()
    }

    /// Stops the server as a crash would: connections break, what was committed stays.
    pub fn stop(&self) {
        let Some(mut child) = self.child().take() else { return };
        let pid = child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -QUIT \"$0\"", &pid]).status().unwrap().success());
        child.wait().unwrap();
    }

    /// Starts a stopped server again, with its data, on its port.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&self) {
        assert!(self.child().is_none(), "the server runs already");
        assert!(self.launch(), "PostgreSQL does not start again:\n{}", self.log());
    }

    /// Stops the server and starts it again.
    pub fn restart(&self) {
        self.stop();
        self.start_again();
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.account.command(&self.binaries.join(program.as_ref()));
        // The caller's folder may be one that the server's user must not read.
        command.current_dir(&self.folder);
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A private file of the server's user.
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.account.own(&path);
        path
    }

    fn append(&self, name: &str, text: &str) {
        let file = self.data().join(name);
        let own = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{own}\n{text}")).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port()
}
