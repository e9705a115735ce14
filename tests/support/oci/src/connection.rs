//! One session: a connection to PostgreSQL, its transaction, and what a statement does with both.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls};

use crate::connect::Place;
use crate::control::{Control, Fault};
use crate::error::{OraError, Result, ends_session, from_postgres, ora, told, unknown};
use crate::query::Cursor;
use crate::session::{Session, set_up};
use crate::sql::{self, Plan};
use crate::types::Column;
use crate::value::{Kind, Value};

/// The library's own threads, beside the caller's.
static RUNTIME: LazyLock<std::io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build());

fn runtime() -> Result<&'static Runtime> {
    RUNTIME.as_ref().map_err(|fault| told(600, format!("internal error code, arguments: [{fault}]")))
}

/// A session, from any thread.
pub(crate) struct Connection {
    pub(crate) session: Mutex<Session>,
    pub(crate) cancel: CancelToken,
    dead: AtomicBool,
    changing: AtomicBool,
    /// Whether the open transaction is READ ONLY.
    pub(crate) reading: AtomicBool,
    control: Control,
    pub(crate) version: (u32, u32),
}

/// What a statement is executed with.
pub(crate) struct Request<'a> {
    pub(crate) text: &'a str,
    pub(crate) kinds: &'a [Kind],
    pub(crate) rows: &'a [Vec<Value>],
    /// Whether a row that fails leaves the others be.
    pub(crate) keeps_errors: bool,
    pub(crate) commits: bool,
    pub(crate) only_described: bool,
    /// In milliseconds; 0 for none.
    pub(crate) timeout: u32,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) columns: Vec<Column>,
    pub(crate) cursor: Option<Cursor>,
    /// The rows that each row of the array changed.
    pub(crate) counts: Vec<u64>,
    pub(crate) errors: Vec<(u32, OraError)>,
    /// What ended it; what was counted until then stands.
    pub(crate) stopped: Option<OraError>,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// Logs in: the user is a role, without regard to case as Oracle's are; the service a database.
    pub(crate) fn open(place: &Place, user: &str, password: &str) -> Result<Connection> {
        let role = match user.strip_prefix('"').and_then(|user| user.strip_suffix('"')) {
            Some(exact) => exact.to_owned(),
            None => user.to_lowercase(),
        };
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(place.port)
            .user(&role)
            .password(password)
            .dbname(&place.database)
            .application_name("csc-bridge-test-oci")
            .connect_timeout(Duration::from_secs(30))
            .options(
                "-c TimeZone=UTC -c DateStyle=ISO,YMD -c search_path=public,oracle -c client_min_messages=warning",
            );
        let refused = |fault: tokio_postgres::Error| match fault.code() {
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => ora(1017),
            Some(&SqlState::INVALID_CATALOG_NAME) => ora(12514),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => told(1045, "user lacks CREATE SESSION privilege; logon denied"),
            Some(_) => unknown(format!("logging in: {fault:?}")),
            None => ora(12541),
        };
        let client = runtime()?.block_on(async {
            let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
            // It ends when the client is dropped; what breaks it the client tells.
            tokio::spawn(connection);
            set_up(&client).await.map_err(|fault| from_postgres(&fault, "the set-up, which needs a superuser once"))?;
            Ok::<Client, OraError>(client)
        })?;
        Ok(Connection {
            cancel: client.cancel_token(),
            session: Mutex::new(Session {
                client: Some(client),
                user: role.to_uppercase(),
                prepared: HashMap::new(),
                known: HashSet::new(),
                cursor: Weak::new(),
                has_savepoint: false,
            }),
            dead: AtomicBool::new(false),
            changing: AtomicBool::new(false),
            reading: AtomicBool::new(false),
            control: place.control.clone(),
            version: place.control.version(),
        })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Whether a transaction is open.
    pub(crate) fn is_changing(&self) -> bool {
        self.changing.load(Ordering::Acquire)
    }

    pub(crate) fn alive(&self) -> Result<()> {
        if self.is_dead() { Err(ora(3114)) } else { Ok(()) }
    }

    /// The most bytes that a name may have.
    pub(crate) fn longest_name(&self) -> usize {
        if self.version >= (12, 2) { 128 } else { 30 }
    }

    pub(crate) fn cancel(&self) {
        let token = self.cancel.clone();
        if let Ok(runtime) = runtime() {
            let _ = runtime.block_on(async move { token.cancel_query(NoTls).await });
        }
    }

    /// Runs something on the session, and notes if it ended it.
    pub(crate) fn with<T>(&self, run: impl AsyncFnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.alive()?;
        let mut session = locked(&self.session);
        let done = runtime()?.block_on(run(&mut session));
        if done.as_ref().is_err_and(|fault| ends_session(fault.code)) {
            self.end(&mut session);
        }
        done
    }

    pub(crate) fn end(&self, session: &mut Session) {
        session.client = None;
        self.dead.store(true, Ordering::Release);
        self.changing.store(false, Ordering::Release);
    }

    /// The fault that a test wants here: an error, or the end of the connection.
    fn fault(&self, text: &str) -> Result<Option<Fault>> {
        let fault = self.control.fault(text);
        match fault {
            Some(Fault::Error(code)) if ends_session(code) => {
                self.end(&mut locked(&self.session));
                Err(ora(code))
            }
            Some(Fault::Error(code)) => Err(ora(code)),
            Some(Fault::Drop) => {
                self.end(&mut locked(&self.session));
                Err(ora(3113))
            }
            other => Ok(other),
        }
    }

    fn after(&self, fault: Option<Fault>) -> Result<()> {
        if fault != Some(Fault::DropAfter) {
            return Ok(());
        }
        self.end(&mut locked(&self.session));
        Err(ora(3113))
    }

    pub(crate) fn ping(&self) -> Result<()> {
        self.fault("PING")?;
        self.with(async |session| session.simple("SELECT 1").await)
    }

    pub(crate) fn commit(&self) -> Result<()> {
        self.finish("COMMIT")
    }

    pub(crate) fn rollback(&self) -> Result<()> {
        self.finish("ROLLBACK")
    }

    fn finish(&self, how: &str) -> Result<()> {
        self.alive()?;
        let fault = self.fault(how)?;
        if self.is_changing() {
            self.with(async |session| {
                session.settle().await?;
                if how == "ROLLBACK" {
                    session.known.clear();
                }
                session.simple(how).await
            })?;
            self.changing.store(false, Ordering::Release);
            self.reading.store(false, Ordering::Release);
        }
        self.after(fault)
    }

    fn begin(&self, session_says: &str) -> Result<()> {
        if self.is_changing() {
            return Ok(());
        }
        self.with(async |session| {
            session.settle().await?;
            session.simple(session_says).await
        })?;
        self.changing.store(true, Ordering::Release);
        Ok(())
    }

    /// Executes a statement. What is not known here is also said on standard error: a program under test passes no server's words on.
    pub(crate) fn execute(&self, request: &Request<'_>) -> Result<Outcome> {
        let done = self.executed(request);
        if let Err(fault) = &done
            && (fault.code == 900 || std::env::var_os("CSC_BRIDGE_OCI_ERRORS").is_some())
        {
            match fault.message.contains(request.text) {
                true => eprintln!("{}", fault.message),
                false => eprintln!("{}: {}", fault.message, request.text),
            }
        }
        done
    }

    fn executed(&self, request: &Request<'_>) -> Result<Outcome> {
        self.alive()?;
        if !request.only_described {
            self.control.log(request.text);
        }
        let fault = self.fault(request.text)?;
        let user = locked(&self.session).user.clone();
        let plan = sql::plan(request.text, self.version, &user, request.kinds)?;
        let fault = fault.filter(|_| !request.only_described);
        let mut outcome = self.run(request, plan).map_err(|fault| self.without_rights(fault, request.text))?;
        if let (Some(cursor), Some(Fault::AfterRows(code, rows))) = (&mut outcome.cursor, fault) {
            cursor.cut = Some((code, rows));
        }
        self.after(fault)?;
        if request.commits && outcome.stopped.is_none() {
            self.commit()?;
        }
        Ok(outcome)
    }

    /// Who may not even read a table is told that it is not there.
    fn without_rights(&self, fault: OraError, text: &str) -> OraError {
        let Some((_, table)) = fault.message.split_once("permission denied for table ") else { return fault };
        let table = table.trim_end_matches(')').to_owned();
        let question = "SELECT COALESCE(bool_or(has_any_column_privilege(oid, 'SELECT')), false) FROM pg_class \
            WHERE relname = $1 AND relkind IN ('r', 'v', 'p')";
        let shown = self.protected(async |session| {
            let found = session.client()?.query_one(question, &[&table]).await;
            found.map(|row| row.get::<_, bool>(0)).map_err(|fault| from_postgres(&fault, text))
        });
        if shown.unwrap_or(true) { fault } else { ora(942) }
    }

    fn run(&self, request: &Request<'_>, plan: Plan) -> Result<Outcome> {
        let outcome = match plan {
            _ if request.only_described && !matches!(plan, Plan::Query { .. }) => Outcome::default(),
            Plan::Query { sql, locks, tables } => {
                if locks {
                    self.begin("BEGIN")?;
                }
                self.query(request, &sql, &tables)?
            }
            Plan::Change { sql, tables } => {
                self.begin("BEGIN")?;
                self.change(request, &sql, &tables)?
            }
            Plan::Define { statements } => {
                self.commit()?;
                self.with(async |session| {
                    session.settle().await?;
                    session.known.clear();
                    session.prepared.clear();
                    session.run(&statements.join("; "), request.text).await
                })?;
                Outcome::default()
            }
            Plan::Transaction(how) => {
                if self.is_changing() {
                    return Err(told(1453, "SET TRANSACTION must be first statement of transaction"));
                }
                self.begin(how)?;
                self.reading.store(how.ends_with("READ ONLY"), Ordering::Release);
                Outcome::default()
            }
            Plan::Within { sql } => {
                self.begin("BEGIN")?;
                self.protected(async |session| session.run(&sql, request.text).await)?;
                Outcome::default()
            }
            Plan::Session { sql } => {
                self.with(async |session| session.run(&sql, request.text).await)?;
                Outcome::default()
            }
            Plan::Commit => {
                self.commit()?;
                Outcome::default()
            }
            Plan::Rollback => {
                self.rollback()?;
                Outcome::default()
            }
        };
        Ok(outcome)
    }

    /// Runs something that leaves a transaction as it was if it fails.
    pub(crate) fn protected<T>(&self, run: impl AsyncFnOnce(&mut Session) -> Result<T>) -> Result<T> {
        let changing = self.is_changing();
        self.with(async |session| {
            session.settle().await?;
            if changing {
                session.simple("SAVEPOINT oracle_statement").await?;
            }
            let done = run(session).await;
            if changing {
                match &done {
                    // Released when the rows that are under way have come.
                    Ok(_) if session.has_savepoint => {}
                    Ok(_) => session.simple("RELEASE SAVEPOINT oracle_statement").await?,
                    Err(fault) if ends_session(fault.code) => {}
                    Err(_) => session.undo().await?,
                }
            }
            done
        })
    }
}
