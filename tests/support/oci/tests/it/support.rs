//! A database, and a connection to it.

use csc_bridge_test_oci::{Control, SETUP, client_folder};
use csc_bridge_test_postgres::Server;
use oracle::{Connection, InitParams};
use std::sync::Once;

pub struct Place {
    pub server: &'static Server,
    pub database: String,
    pub control: Control,
}

impl Place {
    pub fn new() -> Option<Place> {
        static ONCE: Once = Once::new();
        let server = csc_bridge_test_postgres::shared()?;
        ONCE.call_once(|| {
            let mut params = InitParams::new();
            params.oracle_client_lib_dir(client_folder()).unwrap();
            params.init().unwrap();
        });
        let database = server.database();
        server.psql(&database, SETUP);
        Some(Place { server, database, control: Control::new() })
    }

    pub fn address(&self) -> String {
        self.control.connect_string(self.server.port(), &self.database)
    }

    pub fn try_connect(&self) -> oracle::Result<Connection> {
        Connection::connect(self.server.superuser(), self.server.password(), self.address())
    }

    pub fn connect(&self) -> Connection {
        self.try_connect().unwrap()
    }
}

/// The number of the error that something must end with.
#[track_caller]
pub fn code<T>(done: oracle::Result<T>) -> i32 {
    match done {
        Ok(_) => panic!("it went well"),
        Err(fault) => match fault.db_error() {
            Some(fault) => fault.code(),
            None => panic!("no error of the database: {fault:?}"),
        },
    }
}

/// An error's words: the driver wraps what ends a connection.
pub fn words(fault: &oracle::Error) -> String {
    fault.to_string()
}
