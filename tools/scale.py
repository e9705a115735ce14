#!/usr/bin/env python3
"""How `stage` grows with the cohort on SQLite: seconds and peak memory for 10,000, 100,000 and 1,000,000 children.

    cargo build --release && tools/scale.py [children ...]

For each cohort: generate, stage, stage again (nothing changed), change 1 % of the children, stage a third time. It writes
docs/benchmarks-scale.json after each cohort (of cohorts that are not run again the file keeps what it has) and draws
docs/benchmarks-scale.svg. A million children take about 25 GB in the temporary folder (TMPDIR), which are given back.
Needs Python 3.9 or later, and nothing else.
"""
import datetime, json, os, pathlib, platform, shutil, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/csc-bridge"
RESULTS = ROOT / "docs/benchmarks-scale.json"
PICTURE = ROOT / "docs/benchmarks-scale.svg"
DAY = "2026-11-19"
# Bytes on the disk for a child: the SSD, the staging table, and changes on their way.
DISK = 25_000
CONFIG = 'cms = "sqlite"\nla_code = "845"\nstate_dir = "state"\n[source]\ndatabase = "cohort.db"\nschema = ""\n'
CONFIG += '[sink]\nadapter = "file"\nfolder = "out"\n'


def run(folder, *arguments):
    """Runs the program: its JSON, seconds by the clock, seconds of processor time, peak memory in MB, and how busy the machine was."""
    before = time.monotonic()
    with open(folder / "out.json", "w+") as out:
        process = subprocess.Popen([PROGRAM, *arguments, "--quiet", "--json"], cwd=folder, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - before
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        sys.exit(f"{' '.join(arguments)} ended with {process.returncode}: {text}")
    report = json.loads(text.splitlines()[-1])
    measured = {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }
    print(f"  {' '.join(arguments):60} {measured}", flush=True)
    return report, measured


def cohort(children):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        free = shutil.disk_usage(folder).free
        if free < children * DISK * 1.2:
            sys.exit(f"{children} children need {children * DISK / 1e9:.0f} GB in {folder.parent}, and {free / 1e9:.0f} GB are free")
        (folder / "csc-bridge.toml").write_text(CONFIG)
        result = {"children": children, "date": str(datetime.date.today()), "cores": len(os.sched_getaffinity(0)), "machine": machine()}
        _, result["generate"] = run(folder, "generate", "--children", str(children), "--seed", "1", "--run-date", DAY)
        result["ssd_mb"] = round((folder / "cohort.db").stat().st_size / 1e6)
        report, result["first"] = run(folder, "stage", "--run-date", DAY)
        result["staged"] = report["staged"]["new"]
        report, result["unchanged"] = run(folder, "stage", "--run-date", DAY)
        assert report["staged"]["unchanged"] == report["staged"]["cohort"], report["staged"]
        run(folder, "mutate", "--percent", "1", "--seed", "1", "--run-date", DAY)
        report, result["changed"] = run(folder, "stage", "--run-date", DAY)
        result["updated"] = report["staged"]["written"]
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def machine():
    info = pathlib.Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return f"{names[0] if names else platform.processor()}, {platform.system()}"


# --- The picture: two panels, logarithmic both ways, no library needed ---

LINES = [("first", "first run", "#1b6ca8"), ("changed", "1 % changed", "#c8553d"), ("unchanged", "nothing changed", "#3a7d44")]


def panel(left, title, unit, value, results):
    import math

    width, height, top = 300, 220, 50
    sizes = [result["children"] for result in results]
    values = [value(result[key]) for result in results for key, _, _ in LINES]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) * 1.01))
    first, last = math.log10(min(sizes)), math.log10(max(sizes))
    x = lambda size: left + 40 + (math.log10(size) - first) / ((last - first) or 1) * width
    y = lambda number: top + height - (math.log10(number) - low) / ((high - low) or 1) * height
    parts = [f'<text x="{left + 40}" y="30" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        at, label = y(10**power), f"{10**power:g} {unit}"
        parts.append(f'<path d="M{left + 40} {at:.1f}h{width}" stroke="#ddd"/>')
        parts.append(f'<text x="{left + 34}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for size in sizes:
        parts.append(f'<text x="{x(size):.1f}" y="{top + height + 18}" text-anchor="middle">{size:,}</text>')
    for key, name, colour in LINES:
        points = [(x(result["children"]), y(value(result[key]))) for result in results]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"><title>{name}</title></circle>' for a, b in points]
    return parts


def draw(results):
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 340" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="800" height="340" fill="white"/>')
    parts += panel(30, "stage: seconds by children", "s", lambda run: max(run["seconds"], 0.1), results)
    parts += panel(430, "stage: peak memory by children", "MB", lambda run: max(run["peak_mb"], 1), results)
    for at, (_, name, colour) in enumerate(LINES):
        parts.append(f'<rect x="{70 + at * 150}" y="312" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{88 + at * 150}" y="322">{name}</text>')
    PICTURE.write_text("\n".join(parts + ["</svg>", ""]))


def main():
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    results = {result["children"]: result for result in known}
    for children in [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]:
        print(f"{children} children", flush=True)
        results[children] = cohort(children)
        ordered = [results[size] for size in sorted(results)]
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
        draw(ordered)


main()
