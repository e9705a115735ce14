//! A MariaDB server of the tests' own, in a temporary folder, gone when they are.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const PASSWORD: &str = "only for tests";

pub struct Server {
    pub port: u16,
    /// Also holds the file `password`.
    pub folder: PathBuf,
    /// A shell that ends the server and removes the folder as soon as its standard input closes, however this process ends.
    watch: Child,
}

impl Server {
    /// None where no server is installed, with a line that says so.
    pub fn start() -> Option<Server> {
        let program =
            ["/usr/sbin/mariadbd", "/usr/bin/mariadbd"].into_iter().find(|path| PathBuf::from(path).is_file());
        let Some(program) = program else {
            println!("skipped: no MariaDB server is installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("csc-bridge-mariadb-").tempdir().expect("a folder").keep();
        let data = format!("--datadir={}/data", folder.display());
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data]);
        // This process's own folder in /proc belongs to whom it runs as.
        if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            install.arg("--user=root");
        }
        let made = install.output().expect("mariadb-install-db runs");
        assert!(made.status.success(), "mariadb-install-db failed: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(folder.join("password"), PASSWORD).expect("a file");
        std::fs::write(folder.join("init.sql"), format!("ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';\n"))
            .expect("a file");
        // As root it runs only if it is told to; as anybody else the word is passed over.
        let script = "\"$1\" --no-defaults --port=$2 --datadir=\"$PWD/data\" --socket=\"$PWD/s\" --pid-file=\"$PWD/pid\" \
             --bind-address=127.0.0.1 --skip-log-bin --user=root --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M \
             --max-connections=100 --init-file=\"$PWD/init.sql\" >log 2>&1 </dev/null & server=$!; \
             cat; kill -9 $server; wait; rm -rf \"$PWD\"";
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let watch = Command::new("sh")
            .args(["-c", script, "sh", program, &port.to_string()])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let server = Server { port, folder, watch };
        server.wait();
        Some(server)
    }

    /// Until it listens, or its log says why not.
    fn wait(&self) {
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        while !log().contains("ready for connections") {
            assert!(!log().contains("Aborting"), "MariaDB does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}
