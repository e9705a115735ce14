//! A plugin that cannot join: the host does.

use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{self, Join, Scan, Table, TableName};

use crate::support::*;

fn tables() -> Vec<Table> {
    let table = |schema: &str, name: &str, columns: &[&str]| Table {
        name: TableName { schema: schema.to_owned(), table: name.to_owned() },
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
    };
    vec![
        table("dbo", "Persons", &["id"]),
        table("dbo", "cp plans", &["plan", "person"]),
        table("dbo", "visits", &["visit", "of_plan"]),
    ]
}

fn scan_of_visits() -> Scan {
    let tables = tables();
    let join = Join { column: "of_plan".to_owned(), table: tables[1].name.clone(), key: "plan".to_owned() };
    let path_to_child = source::Path { joins: vec![join], child: "person".to_owned(), no_key: Vec::new() };
    Scan { table: tables[2].name.clone(), columns: vec!["visit".to_owned()], path_to_child }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_tables_are_joined_by_the_host() {
    for hosted in BOTH {
        let adapter = build("whole").load(hosted).unwrap();
        let source = source(&adapter).unwrap();
        let mut session = source.open(&tables()).await.unwrap();
        let columns = ["id".to_owned()];
        let listed = source::read_all(session.list(&tables()[0].name, &columns).await.unwrap().as_mut()).await.unwrap();
        assert_eq!(listed.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(), 4);
        assert_eq!(session.count(&tables()[2].name).await.unwrap(), 6);

        // Ids of one table are texts with spaces, of the other whole numbers; `a` is not `A`.
        for (children, visits) in [
            (vec!["2", "1"], vec![(0, "v2"), (1, "v1"), (1, "v4")]),
            (vec!["a", "A"], vec![(1, "v3")]),
            (vec!["99"], vec![]),
        ] {
            let children: Vec<String> = children.into_iter().map(str::to_owned).collect();
            session.select(&children).await.unwrap();
            let read = source::read_all(session.scan(&scan_of_visits()).await.unwrap().as_mut()).await.unwrap();
            let visits: Vec<(i32, String)> = visits.into_iter().map(|(n, visit)| (n, visit.to_owned())).collect();
            assert_eq!(tagged(&read), visits, "{hosted:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_table_that_is_not_complete_is_not_used() {
    for hosted in BOTH {
        let folder = build_with("whole", &["VISITS_END=\"{\\\"rows\\\":7}\""]);
        let adapter = folder.load(hosted).unwrap();
        let error = source(&adapter).unwrap().open(&tables()).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_not_named_at_opening_is_not_read() {
    let adapter = build("whole").load(InProcess).unwrap();
    let mut session = source(&adapter).unwrap().open(&tables()[..1]).await.unwrap();
    assert_eq!(session.count(&tables()[1].name).await.unwrap_err().kind(), Kind::Internal);
    assert!(session.scan(&scan_of_visits()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_sqlite_would_confuse_are_refused() {
    let adapter = build("whole").load(InProcess).unwrap();
    let mut tables = tables();
    tables[0].columns = vec!["id".to_owned(), "ID".to_owned()];
    let error = source(&adapter).unwrap().open(&tables).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Schema, "{error:?}");
}

/// The file that this process has open has no name any more: whatever happens now, nothing is left.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_private_database_has_no_name_while_it_is_used() {
    let adapter = build("whole").load(InProcess).unwrap();
    let _session = source(&adapter).unwrap().open(&tables()).await.unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let ours: Vec<String> =
        paths.map(|path| path.display().to_string()).filter(|path| path.contains("csc-bridge-tables-")).collect();
    assert!(ours.iter().any(|path| path.ends_with("(deleted)")), "{ours:?}");
}
