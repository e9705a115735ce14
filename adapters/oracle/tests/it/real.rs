//! Accounts on a real Oracle: `CSC_BRIDGE_TEST_ORACLE="system/…@//localhost:1521/FREEPDB1"` names one that may create users, and end their
//! sessions; `CSC_BRIDGE_TEST_ORACLE_CLIENT` the folder of the client library, where the system does not find it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use oracle::{Connection, InitParams, Result};

/// Of every account that is made here.
const PASSWORD: &str = "Tests-0nly";

/// Whoever may create accounts.
#[derive(Clone)]
pub struct Admin {
    user: String,
    password: String,
    tns: String,
    client: Option<PathBuf>,
}

impl Admin {
    /// As the environment names it.
    ///
    /// # Panics
    /// It names none.
    pub fn of_environment() -> Admin {
        let named = std::env::var("CSC_BRIDGE_TEST_ORACLE").expect("CSC_BRIDGE_TEST_ORACLE=\"user/password@address\"");
        let (user, rest) = named.split_once('/').expect("user/password@address");
        let (password, tns) = rest.rsplit_once('@').expect("user/password@address");
        let client = std::env::var_os("CSC_BRIDGE_TEST_ORACLE_CLIENT").map(PathBuf::from);
        if let Some(folder) = &client {
            let mut params = InitParams::new();
            params.oracle_client_lib_dir(folder.to_str().unwrap()).unwrap();
            params.init().unwrap();
        }
        Admin { user: user.to_owned(), password: password.to_owned(), tns: tns.to_owned(), client }
    }

    fn run(&self, statements: &[String]) -> Result<()> {
        let driver = Connection::connect(&self.user, &self.password, &self.tns)?;
        statements.iter().try_for_each(|sql| driver.execute(sql, &[]).map(drop))
    }

    /// A new account with nothing in its schema.
    pub fn account(&self) -> Result<Account> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let owner = format!("CSC_TEST_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.run(&[
            format!("CREATE USER {owner} IDENTIFIED BY \"{PASSWORD}\""),
            format!(
                "GRANT CREATE SESSION, CREATE TABLE, CREATE VIEW, CREATE SEQUENCE, UNLIMITED TABLESPACE TO {owner}"
            ),
        ])?;
        let (tns, client) = (self.tns.clone(), self.client.clone());
        Ok(Account { admin: self.clone(), owner, password: PASSWORD.to_owned(), tns, client })
    }
}

/// An account, and its reader. They go when this is dropped.
pub struct Account {
    admin: Admin,
    pub owner: String,
    pub password: String,
    pub tns: String,
    pub client: Option<PathBuf>,
}

impl Account {
    fn reader_name(&self) -> String {
        format!("{}_R", self.owner)
    }

    /// A new account that may SELECT the present tables, which it sees under their own names.
    pub fn reader(&self) -> Result<String> {
        let (owner, reader) = (&self.owner, self.reader_name());
        self.admin.run(&[
            format!("CREATE USER {reader} IDENTIFIED BY \"{PASSWORD}\""),
            format!("GRANT CREATE SESSION TO {reader}"),
        ])?;
        let own = Connection::connect(owner, &self.password, &self.tns)?;
        let tables = own.query_as::<String>("SELECT table_name FROM user_tables WHERE temporary = 'N'", &[])?;
        for table in tables.collect::<Result<Vec<String>>>()? {
            own.execute(&format!("GRANT SELECT ON \"{table}\" TO {reader}"), &[])?;
            self.admin.run(&[format!("CREATE SYNONYM {reader}.\"{table}\" FOR {owner}.\"{table}\"")])?;
        }
        Ok(reader)
    }

    /// Ends the sessions of the account and its reader.
    pub fn cut(&self) -> Result<()> {
        let driver = Connection::connect(&self.admin.user, &self.admin.password, &self.tns)?;
        let sql = "SELECT sid || ',' || serial# FROM v$session WHERE username IN (:1, :2)";
        let sessions = driver.query_as::<String>(sql, &[&self.owner, &self.reader_name()])?;
        for session in sessions.collect::<Result<Vec<String>>>()? {
            // One that has just ended by itself is no fault.
            let _ = driver.execute(&format!("ALTER SYSTEM KILL SESSION '{session}' IMMEDIATE"), &[]);
        }
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = self.cut();
        for user in [self.reader_name(), self.owner.clone()] {
            let _ = self.admin.run(&[format!("DROP USER {user} CASCADE")]);
        }
    }
}
