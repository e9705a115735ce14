//! The plugin delivers what the adapter does. The conformance suite goes over it in the host's tests.
#![allow(clippy::unwrap_used, unsafe_code)]

use csc_bridge_core::config::Options;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{Path, Scan, Table, TableName, read_all};
use csc_bridge_plugin_abi::message::{
    Children, Description, NewHandle, NewSource, Open, Rows, ScanOf, decode_answer, encode,
};
use csc_bridge_plugin_abi::rows::RowReader;
use csc_bridge_plugin_abi::table::{Buffer, Bytes, COMPLETE, Entry, Handle, OK, PluginTable, Status};
use csc_bridge_plugin_sdk::tokio;
use csc_bridge_postgres::PostgresAdapter;
use postgres_plugin::csc_bridge_plugin_init;

struct Loaded(PluginTable);

impl Loaded {
    fn new() -> Loaded {
        let mut table = PluginTable::default();
        let size = size_of::<PluginTable>() as u64;
        // SAFETY: the table has room for `size` bytes; a host without a log may be null.
        assert_eq!(unsafe { csc_bridge_plugin_init(std::ptr::null(), &mut table, size) }, OK);
        Loaded(table)
    }

    fn call(&self, entry: Entry, of: Handle, input: &[u8]) -> (Status, Vec<u8>) {
        let mut buffer = Buffer::EMPTY;
        // SAFETY: the input outlives the call; the buffer is the plugin's, and freed once.
        unsafe {
            let status = self.0.get(entry).unwrap()(of, Bytes::of(input), &mut buffer);
            let bytes = buffer.slice().unwrap().to_vec();
            buffer.free();
            (status, bytes)
        }
    }

    fn make(&self, entry: Entry, of: Handle, input: &[u8]) -> Handle {
        let (status, bytes) = self.call(entry, of, input);
        assert_eq!(status, OK, "{entry} {}", String::from_utf8_lossy(&bytes));
        decode_answer::<NewHandle>(entry, &bytes).unwrap().handle.get()
    }
}

#[test]
fn it_is_a_source_of_tables_under_its_own_name() {
    let (_, bytes) = Loaded::new().call(Entry::Describe, 0, b"");
    let description: Description = decode_answer(Entry::Describe, &bytes).unwrap();
    description.check().unwrap();
    assert_eq!(description.name, "postgres-plugin");
}

#[test]
fn a_scan_through_the_plugin_is_the_adapters() {
    let Some(server) = csc_bridge_test_postgres::shared() else { return };
    let database = server.database();
    server.psql(
        &database,
        // One plan for both reads: rows come in the order of the plan.
        "CREATE TABLE visit (id text, person_id text, on_day timestamp, n numeric(9,2), notes text) WITH (autovacuum_enabled = off);
         INSERT INTO visit SELECT 'V' || n, 'P' || n % 700, timestamp '2020-01-01' + n * interval '1 minute', n / 7.0,
             CASE n % 3 WHEN 0 THEN NULL ELSE repeat('é', n % 50) END FROM generate_series(1, 70000) n;
         ANALYZE visit",
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), server.password()).unwrap();
    let options = serde_json::json!({
        "host": "127.0.0.1", "port": server.port(), "database": database, "user": server.superuser(), "password": {"file": "secret"}
    });
    let options = options.as_object().unwrap().clone();

    let name = TableName { schema: String::new(), table: "visit".into() };
    let columns: Vec<String> = ["id", "on_day", "n", "notes"].map(String::from).to_vec();
    let tables = [Table { name: name.clone(), columns: [&columns[..], &["person_id".into()]].concat() }];
    let path_to_child = Path { joins: vec![], child: "person_id".into(), no_key: vec![] };
    let scan = Scan { table: name, columns, path_to_child };
    let children: Vec<String> = (0..500).map(|n| format!("P{n}")).collect();

    let direct = Options::from_json("source", folder.path(), &options).unwrap();
    let direct = PostgresAdapter.source(&direct).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let expected = runtime.block_on(async {
        let mut session = direct.open(&tables).await.unwrap();
        session.select(&children).await.unwrap();
        read_all(session.scan(&scan).await.unwrap().as_mut()).await.unwrap()
    });

    let plugin = Loaded::new();
    let new = NewSource { options, folder: folder.path().to_str().unwrap().into() };
    let source = plugin.make(Entry::SourceNew, 0, &encode(&new).unwrap());
    let session = plugin.make(Entry::SourceOpen, source, &encode(&Open::from(&tables[..])).unwrap());
    let select = encode(&Children::of(&children)).unwrap();
    assert_eq!(plugin.call(Entry::SessionSelect, session, &select).0, OK);
    let stream = plugin.make(Entry::SessionScan, session, &encode(&ScanOf::from(&scan)).unwrap());
    let (mut reader, mut batches) = (RowReader::new(), vec![]);
    let rows = loop {
        match plugin.call(Entry::StreamNext, stream, b"") {
            (OK, bytes) => batches.push(reader.read(&bytes).unwrap()),
            (COMPLETE, bytes) => break decode_answer::<Rows>(Entry::StreamNext, &bytes).unwrap().rows,
            (status, bytes) => panic!("{status} {}", String::from_utf8_lossy(&bytes)),
        }
    };
    assert_eq!(rows, 50_000);
    assert_eq!(batches, expected);
    for handle in [stream, session, source] {
        assert_eq!(plugin.call(Entry::Release, handle, b"").0, OK);
    }
}
