//! Somebody else's connection to the database: a refresh, a lock that is held until a test says otherwise.

use csc_bridge_test_postgres::Server;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

/// A connection. Dropping it gives back its locks.
pub struct Session {
    client: std::sync::Arc<Client>,
    runtime: Runtime,
}

impl Session {
    pub fn open(server: &Server, database: &str) -> Session {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(server.port()).dbname(database);
        config.user(server.superuser()).password(server.password()).application_name("somebody else");
        let (client, connection) = runtime.block_on(config.connect(NoTls)).expect("a connection");
        runtime.spawn(connection);
        Session { client: client.into(), runtime }
    }

    /// Runs statements to their end.
    pub fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Begins statements that may have to wait.
    pub fn begin(&self, sql: String) -> Running<'_> {
        let client = self.client.clone();
        let task =
            self.runtime.spawn(async move { client.batch_execute(&sql).await.map_err(|error| format!("{error:?}")) });
        Running { task, runtime: &self.runtime }
    }
}

/// Statements that run.
pub struct Running<'s> {
    task: JoinHandle<Result<(), String>>,
    runtime: &'s Runtime,
}

impl Running<'_> {
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for their end.
    pub fn end(self) {
        self.runtime.block_on(self.task).expect("a task").expect("statements that are accepted");
    }
}
