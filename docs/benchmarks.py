#!/usr/bin/env python3
"""Writes the figures of docs/benchmarks.md, between its markers, from what the benchmarks left behind.

    cargo bench --bench assemble      (and the others; see the page)
    tools/scale.py                    (seconds and memory by the size of the cohort)
    python3 docs/benchmarks.py

It reads target/criterion and docs/benchmarks-scale.json. A benchmark that was not run keeps the table that the page has of it.
Needs Python 3.9 or later, and nothing else.
"""
import datetime, json, os, pathlib, re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks.md"
SCALE = ROOT / "docs/benchmarks-scale.json"


def results(group):
    """A group's benchmarks in the order they ran: (name, nanoseconds, things or bytes an iteration, its unit, when)."""
    found = []
    for file in (ROOT / "target/criterion").glob("**/new/benchmark.json"):
        about = json.loads(file.read_text())
        if about["group_id"] != group:
            continue
        took = json.loads((file.parent / "estimates.json").read_text())
        took = (took.get("slope") or took["mean"])["point_estimate"]
        unit, count = next(iter((about["throughput"] or {"Elements": 1}).items()))
        name = "/".join(filter(None, [about["function_id"], about["value_str"]]))
        found.append((file.stat().st_mtime, name, took, count, unit))
    return [(name, took, count, unit, when) for when, name, took, count, unit in sorted(found)]


def machine():
    info = pathlib.Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def speed(took, count, unit):
    a_second = count / took * 1e9
    return f"{a_second / 1e9:.2f} GB/s" if unit == "Bytes" else f"{a_second:,.0f}/s"


def table(group, against):
    """The group with each benchmark's speed as a share of another's."""
    rows = results(group)
    if not rows:
        return None
    by_name = {row[0]: row for row in rows}
    lines = ["| | speed | ratio |", "|---|---|---|"]
    for name, took, count, unit, _ in rows:
        other = by_name.get(against(name))
        ratio = "" if other is None or other[0] == name else f"{other[1] / other[2] / (took / count):.2f} of *{other[0]}*"
        lines.append(f"| {name} | {speed(took, count, unit)} | {ratio} |")
    day = datetime.date.fromtimestamp(max(row[4] for row in rows))
    return "\n".join([*lines, "", f"{day}, {machine()}."])


def scale():
    if not SCALE.exists():
        return None
    head = "| children | SSD | | seconds | processor seconds | peak memory | children/s |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    known = json.loads(SCALE.read_text())
    for result in known:
        for key, name in (("first", "first run"), ("unchanged", "nothing changed"), ("changed", "1 % changed")):
            run = result[key]
            rate = result["children"] / max(run["seconds"], 0.1)
            size = f"{result['children']:,} | {result['ssd_mb']:,} MB" if key == "first" else " | "
            lines.append(f"| {size} | {name} | {run['seconds']:,} | {run['cpu_seconds']:,} | {run['peak_mb']} MB | {rate:,.0f} |")
    dates = ", ".join(sorted({f"{result['date']}, {result['machine']}, {result['cores']} cores" for result in known}))
    return "\n".join([*lines, "", f"{dates}."])


FLOOR = "floor: SHA-256 of the same bytes"
TABLES = {
    "assemble": lambda: table("assemble", lambda name: name if "floor" in name else f"{name}, {FLOOR}"),
    "canonical": lambda: table("canonical", lambda name: "plain way: serde_json::Value"),
    "hash": lambda: table("hash", lambda name: f"sha2/{name.rpartition('/')[2]}"),
    "delta": lambda: table("delta", lambda name: "plain way: serde_json::Value, compared and written"),
    "decide": lambda: table("decide", lambda name: "floor: comparing the hashes"),
    "batch": lambda: table("batch", lambda name: "floor: a copy"),
    "arrow": lambda: table("arrow", lambda name: "floor: a copy"),
    "scale": scale,
}


def main():
    page = PAGE.read_text()
    for name, make in TABLES.items():
        text = make()
        if text is not None:
            block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
            page = block.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)
    PAGE.write_text(page)


main()
