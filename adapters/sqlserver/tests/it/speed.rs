//! How fast a scan of a million rows is beside the driver alone, and what bounds it. Not run by itself: `cargo test --release -p
//! csc-bridge-sqlserver --test it -- --ignored a_scan_of_a_million_rows --nocapture`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use csc_bridge_core::source::{ScanEvent, TableName};
use csc_bridge_sql::{Connection, Engine, Purpose, Read};
use csc_bridge_test_tds::session::*;
use csc_bridge_test_tds::{Options, Server};
use futures_util::TryStreamExt;
use tiberius::{AuthMethod, Client, EncryptionLevel, QueryItem};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncWriteCompatExt;

use crate::home::config_in;

const ROWS: i64 = 1_000_000;
const COLUMNS: [&str; 7] = ["id", "person_id", "on_day", "reason", "flag", "n", "notes"];
const SQL: &str = "SELECT id, person_id, on_day, reason, flag, n, notes FROM visit";

/// Makes rows up as fast as it can: no database bounds the measurement.
struct MadeUp;

#[async_trait]
impl Backend for MadeUp {
    async fn open(&self, _: &Login) -> Result<Box<dyn Session>, SqlError> {
        Ok(Box::new(MadeUp))
    }
}

#[async_trait]
impl Session for MadeUp {
    async fn run(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        let (Request::Batch(sql) | Request::Text { sql, .. }) = request else { return Ok(()) };
        if sql.contains("FROM visit") {
            visits(answer).await?;
        }
        if sql.contains("ProductVersion") {
            return one(answer, Type::NVarChar(Some(128)), Value::Text("16.0.1000.6".to_owned())).await;
        }
        one(answer, Type::BigInt, Value::Integer(ROWS)).await
    }

    async fn reset(&mut self) -> Result<(), SqlError> {
        Ok(())
    }
}

async fn one(answer: &mut dyn Answer, kind: Type, value: Value) -> Result<(), Failed> {
    answer.part(Part::Columns([Column { name: String::new(), kind, nullable: true }].into())).await?;
    answer.part(Part::Row(vec![value])).await?;
    Ok(answer.part(Part::Done(Some(1))).await?)
}

async fn visits(answer: &mut dyn Answer) -> Result<(), Failed> {
    let text = Type::NVarChar(Some(200));
    let kinds = [text, text, Type::DateTime, text, Type::NChar(1), Type::Int, Type::NVarChar(Some(1000))];
    let columns: Arc<[Column]> = COLUMNS
        .iter()
        .zip(kinds)
        .map(|(name, kind)| Column { name: (*name).to_owned(), kind, nullable: true })
        .collect();
    answer.part(Part::Columns(columns)).await?;
    let notes: Vec<String> = (0..20).map(|times| "text ".repeat(times)).collect();
    for n in 0..ROWS {
        let row = vec![
            Value::Text(format!("V{n}")),
            Value::Text(format!("P{}", n % 20_000)),
            Value::Moment { days: 737_424 + (n % 2000) as i32, nanoseconds: 0, offset_minutes: 0 },
            Value::Text(format!("reason {}", n % 17)),
            [Value::Null, Value::Text("Y".to_owned()), Value::Text("N".to_owned())][(n % 3) as usize].clone(),
            Value::Integer(n % 100),
            Value::Text(notes[(n % 20) as usize].clone()),
        ];
        answer.part(Part::Row(row)).await?;
    }
    Ok(answer.part(Part::Done(Some(ROWS as u64))).await?)
}

/// The server, in a process of its own: its port goes to standard output.
#[test]
#[ignore = "started by a_scan_of_a_million_rows"]
fn serve() {
    let server = Server::start(Arc::new(MadeUp), Options::encrypting());
    println!("\nport {}", server.port());
    // Until whoever started it has ended.
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn server() -> (Child, u16) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "speed::serve", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("port ")?.parse().ok()).unwrap();
    (child, port)
}

/// Seconds of CPU that a process has had: `self`, or its number.
fn cpu(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| after.split_whitespace().nth(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The largest memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn ours(port: u16, encrypt: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    let keys = format!(
        "host = '127.0.0.1'\nport = {port}\ndatabase = 'd'\nencrypt = '{encrypt}'\ntrust_server_certificate = true\nuser = 'u'\n\
         password = {{ file = 'secret' }}\n"
    );
    let engine = csc_bridge_sqlserver::SqlServerEngine::new(&config_in(folder.path(), &keys).source.options).unwrap();
    let mut connection: Box<dyn Connection> = engine.connect(Purpose::Read).await.unwrap();
    let table = TableName { schema: String::new(), table: "visit".to_owned() };
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let read = Read { sql: SQL.to_owned(), set: None, table, columns, tagged: false };
    let mut stream = connection.scan(read).await.unwrap();
    let mut rows = 0;
    while let ScanEvent::Rows(batch) = stream.next().await.unwrap() {
        rows += batch.num_rows() as u64;
    }
    rows
}

/// The driver alone: its rows, dropped as they come.
async fn driver(port: u16, encryption: EncryptionLevel) -> u64 {
    let mut config = tiberius::Config::new();
    config.host("127.0.0.1");
    config.port(port);
    config.authentication(AuthMethod::sql_server("u", "x"));
    config.encryption(encryption);
    config.trust_cert();
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut client = Client::connect(config, socket.compat_write()).await.unwrap();
    let mut stream = client.simple_query(SQL).await.unwrap();
    let mut rows = 0;
    while let Some(item) = stream.try_next().await.unwrap() {
        rows += u64::from(matches!(item, QueryItem::Row(_)));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute, and says nothing in a debug build"]
async fn a_scan_of_a_million_rows() {
    let (mut child, port) = server();
    let process = child.id().to_string();
    println!("{:28} {:>10} {:>8} {:>12} {:>12} {:>8}", "", "rows/s", "wall s", "our CPU s", "server CPU", "peak MiB");
    for _ in 0..3 {
        for (what, encrypt, level) in
            [("login encrypted only", "off", EncryptionLevel::Off), ("all encrypted", "on", EncryptionLevel::Required)]
        {
            for with_arrow in [true, false] {
                let (began, here, there) = (Instant::now(), cpu("self"), cpu(&process));
                let rows = match with_arrow {
                    true => ours(port, encrypt).await,
                    false => driver(port, level).await,
                };
                let wall = began.elapsed().as_secs_f64();
                assert!(rows >= ROWS as u64);
                println!(
                    "{:28} {:>10.0} {wall:>8.2} {:>12.2} {:>12.2} {:>8}",
                    format!("{what}, {}", if with_arrow { "Arrow" } else { "driver" }),
                    ROWS as f64 / wall,
                    cpu("self") - here,
                    cpu(&process) - there,
                    peak(),
                );
            }
        }
    }
    drop(child.stdin.take());
    child.wait().unwrap();
}
