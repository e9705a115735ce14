#!/usr/bin/env python3
"""How long `stage` takes on PostgreSQL, beside psql running the very statements that it issues.

    cargo build --release && tools/postgres-floor.py [children]      (as root; needs Debian's postgresql)

It starts a server of its own in a temporary folder, fills it with made-up children and takes turns: `stage`, then psql with the
statements of the connection that reads the SSD, taken from the server's log, with COPY … TO '/dev/null' where the program has
COPY … TO STDOUT. For a first run, in which every child is new, COPY of the finished documents into such a table is added. With the
indexes that `generate` makes, and without any on the SSD tables.
"""
import os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/csc-bridge"
CHILDREN = sys.argv[1] if len(sys.argv) > 1 else "100000"
TURNS = int(os.environ.get("TURNS", "3"))
PORT = "54399"
BIN = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
LINE = re.compile(r"^\x00*\[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*)$")

folder = pathlib.Path(tempfile.mkdtemp(prefix="postgres-floor-"))
shutil.chown(folder, "postgres", "postgres")
folder.chmod(0o755)


def server(*command):
    subprocess.run(["runuser", "-u", "postgres", "--", *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")


def psql(sql=None, file=None):
    source = ["-f", str(file)] if file else ["-c", sql]
    command = [BIN / "psql", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run([*map(str, command), *source, "ssd"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr[:2000]}")
    return done.stdout


def seconds(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def program(*arguments):
    command = ["/usr/bin/time", "-f", "%M", str(PROGRAM), *arguments, "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return int(done.stderr.split()[-1]) // 1024


def stage():
    """Seconds and the peak of memory in MB."""
    began = time.monotonic()
    memory = program("stage", "--run-date", "2026-11-19")
    return time.monotonic() - began, memory


def statements(log):
    """The reading connection's statements, as a script."""
    said = [match.groups() for match in map(LINE.match, log.splitlines()) if match]
    readers = {}
    for pid, sql in said:
        readers[pid] = readers.get(pid, 0) + sql.startswith("COPY (WITH")
    reader = max(readers, key=readers.get)
    script, chunk = [], -1
    for sql in (sql for pid, sql in said if pid == reader):
        if sql.startswith("COPY (") and "TO STDOUT" in sql:
            script.append(sql.replace("TO STDOUT", "TO '/dev/null'"))
        elif sql.startswith("TRUNCATE pg_temp.csc_bridge_set"):
            chunk += 1
            script += [sql, f"INSERT INTO pg_temp.csc_bridge_set SELECT id, number FROM chunks WHERE chunk = {chunk}"]
        elif sql.startswith(("CREATE TEMP", "BEGIN", "LOCK", "SELECT COUNT", "ANALYZE", "COMMIT")):
            script.append(sql)
    return ";\n".join(script) + ";\n"


def first_run():
    psql("DROP TABLE IF EXISTS ssd_api_data_staging, ssd_api_data_staging_anon, ssd_api_submission_log, ssd_api_run_log")
    took = stage()
    # The next reading shall not pay for what this one wrote.
    psql("CHECKPOINT")
    return took


def documents():
    """COPY of the finished documents into such a table."""
    psql("CREATE TABLE floor (LIKE ssd_api_data_staging INCLUDING ALL)")
    took = seconds(lambda: psql(f"COPY floor FROM '{folder}/documents' (FORMAT binary)"))
    psql("DROP TABLE floor")
    return took


def breakdown():
    """Where psql's time goes: seconds by table, the costliest first."""
    text = (folder / "reads.sql").read_text()
    (folder / "timed.sql").write_text("\\timing on\n" + text)
    times = [float(line.split()[1]) for line in psql(file=folder / "timed.sql").splitlines() if line.startswith("Time: ")]
    spent = {}
    for sql, took in zip(text.split(";\n"), times):
        read = re.findall(r'FROM (?:ONLY )?"(\w+)" t\b', sql)
        what = read[-1] if read else sql.split("(")[0][:40]
        spent[what] = spent.get(what, 0) + took / 1000
    for what, took in sorted(spent.items(), key=lambda item: -item[1])[:12]:
        print(f"  {took:6.2f} s  {what}")


def measure(indexes):
    turns = []
    for _ in range(TURNS):
        turns.append((first_run(), stage(), seconds(lambda: psql(file=folder / "reads.sql")), documents()))
    median = lambda values: statistics.median(list(values))
    first, second = median(t[0][0] for t in turns), median(t[1][0] for t in turns)
    reads, copied = median(t[2] for t in turns), median(t[3] for t in turns)
    memory = max(max(t[0][1], t[1][1]) for t in turns)
    print(f"{indexes:8} | {first:7.1f} | {reads + copied:12.1f} | {first / (reads + copied):5.2f} | {second:7.1f} | "
          f"{reads:7.1f} | {second / reads:5.2f} | {memory:4} MB", flush=True)
    breakdown()


def main():
    server(BIN / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
    log = folder / "log"
    options = f"-p {PORT} -k {folder} -c listen_addresses=127.0.0.1 -c log_line_prefix='[%p] ' -c jit=off"
    server(BIN / "pg_ctl", "-D", folder / "data", "-l", log, "-w", "-o", options, "start")
    try:
        subprocess.run([BIN / "createdb", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "ssd"], check=True)
        (folder / "csc-bridge.toml").write_text(
            'cms = "eclipse"\nla_code = "845"\nstate_dir = "state"\n[source]\nadapter = "postgres"\nhost = "127.0.0.1"\n'
            f'port = {PORT}\ndatabase = "ssd"\nuser = "postgres"\nschema = ""\n'
            '[sink]\nendpoint = "http://127.0.0.1:1"\ntoken_endpoint = "http://127.0.0.1:1"\nscope = "none"\n'
            'client_id = { file = "none" }\nclient_secret = { file = "none" }\nsupplier_key = { file = "none" }\n'
        )
        took = seconds(lambda: program("generate", "--children", CHILDREN))
        psql("VACUUM ANALYZE")
        rows = sum(map(int, psql("SELECT n_live_tup FROM pg_stat_user_tables").split()))
        print(f"{CHILDREN} children, {rows} rows, generated in {took:.0f} s", flush=True)
        # One run to learn the statements and the chunks from.
        psql("ALTER SYSTEM SET log_statement = 'all'")
        psql("SELECT pg_reload_conf()")
        before = log.stat().st_size
        stage()
        psql("ALTER SYSTEM RESET log_statement")
        psql("SELECT pg_reload_conf()")
        (folder / "reads.sql").write_text(statements(log.read_bytes()[before:].decode(errors="replace")))
        psql("CREATE TABLE chunks AS SELECT id, (n / 5000)::int AS chunk, (n % 5000)::int AS number FROM (SELECT pers_person_id AS id, "
             "row_number() OVER (ORDER BY pers_person_id COLLATE \"C\") - 1 AS n FROM ssd_person) p")
        psql("CREATE INDEX ON chunks (chunk)")
        psql(f"COPY ssd_api_data_staging TO '{folder}/documents' (FORMAT binary)")
        print("indexes  | first s | psql, COPY s | ratio | second s | psql s | ratio | peak", flush=True)
        measure("with")
        drop = psql("SELECT 'DROP INDEX ' || indexname || ';' FROM pg_indexes WHERE tablename LIKE 'ssd\\_%' AND tablename NOT LIKE "
                    "'ssd\\_api\\_%' AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)")
        psql(drop)
        psql("VACUUM ANALYZE")
        measure("without")
    finally:
        server(BIN / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


main()
