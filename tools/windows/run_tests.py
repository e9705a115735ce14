"""Runs under wine what `cargo test --no-run --message-format=json` built for Windows, as its standard output on standard input names it.

Of the program's own tests those run that say something about Windows: the same code sends to the same simulator everywhere, and wine starts a process slowly.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time

# The tests of servers' protocols ran on Linux, with their servers.
PACKAGES = {
    "csc-bridge-core", "csc-bridge-sql", "csc-bridge-sqlite", "csc-bridge-file", "csc-bridge-dfe-csc-api", "csc-bridge-dfe-csc-simulator",
    "csc-bridge-synthetic", "csc-bridge-sqlserver", "csc-bridge-plugin-abi", "csc-bridge-plugin-host", "csc-bridge-plugin-sdk", "csc-bridge",
}  # fmt: skip
# Of SQL Server, its options and logons.
LIBRARY_ALONE = {"csc-bridge-sqlserver"}
# Modules of tests/it.
WHOLE_PROGRAM = [
    "commands::", "fallback::", "killed::", "mistakes::", "night::", "sdms::", "unchanged::", "windows::",
]  # fmt: skip
# What wine 8 does otherwise than Windows, as docs/windows.md has it, by the test that meets it.
OTHERWISE = [
    # A connection that the other end resets ends in good order.
    "faults::a_refused_connection_is_reset_before_the_request",
    # CertCreateCertificateChainEngine refuses the structure of Windows 8 and later, with which ca_file adds to the machine's authorities.
    "certificates::a_certificate_of_an_authority_in_ca_file_is_trusted_in_pem_and_in_der",
    "certificates::an_expired_certificate_and_one_for_another_name_are_said_so",
    "logs::the_login_at_a_proxy_is_in_no_log_nor_is_a_secret_in_the_http_librarys_own",
    "proxies::a_proxy_that_wants_a_basic_login_is_given_it_at_once",
    "proxies::a_proxy_that_wants_no_login_is_given_none",
]
COUNT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored|: (\d+) passed, (\d+) failed, (\d+) not applicable")


def built(lines):
    """Package, folder and program of each test binary."""
    for line in lines:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message["profile"]["test"]:
            folder = os.path.dirname(message["manifest_path"])
            package = re.search(r"([^/#]+)#(?:([^@]+)@)?[^#]*$", message["package_id"])
            yield package.group(2) or package.group(1), folder, message["target"], message["executable"]


def count(output, is_shown):
    """Shows a run's output, and returns how many tests passed, failed and were left out."""
    counts = (0, 0, 0)
    for line in output:
        if is_shown(line):
            sys.stdout.write(line)
            sys.stdout.flush()
        if found := COUNT.search(line):
            counts = tuple(int(number) for number in found.groups() if number is not None)
    return counts


def console_events(program, folder):
    """Ctrl-C and Ctrl-Break reach all programs of a console: one that script(1) makes, for these tests alone."""
    tests = shlex.join(["wine", program, "--ignored", "--test-threads=1", "--color=never", "signals::"])
    command = ["script", "--quiet", "--return", "--command", tests, "/dev/null"]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")


def plain(lines):
    """Lines of a console without what moves its cursor: a step to the right stands for a blank."""
    for line in lines:
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", re.sub(r"\x1b\[1C", " ", line)).rstrip()
        if text:
            yield text + "\n"


def main():
    passed = failed = ignored = 0
    broken = []
    whole_program = None
    for package, folder, target, program in built(sys.stdin):
        is_library = target["kind"] != ["test"]
        if target["kind"] == ["bench"] or package not in PACKAGES or (package in LIBRARY_ALONE and not is_library):
            continue
        words = []
        if package == "csc-bridge" and not is_library:
            words, whole_program = WHOLE_PROGRAM, (program, folder)
        began = time.monotonic()
        run = subprocess.Popen(["wine", program, *words, *(f"--skip={test}" for test in OTHERWISE)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        counts = count(run.stdout, lambda line: not re.match(r"test .* \.\.\. (ok|ignored)", line))
        code = run.wait()
        print(f"{package} {target['name']}: {counts[0]} passed, {counts[1]} failed, exit code {code}, {time.monotonic() - began:.0f} s\n", flush=True)
        passed, failed, ignored = passed + counts[0], failed + counts[1], ignored + counts[2]
        if code != 0:
            broken.append(f"{package} {target['name']}")
    if whole_program:
        run = console_events(*whole_program)
        counts = count(plain(run.stdout), lambda line: True)
        passed, failed = passed + counts[0], failed + counts[1]
        if run.wait() != 0 or counts[0] == 0:
            broken.append("Ctrl-C and Ctrl-Break")
    print(f"under wine: {passed} passed, {failed} failed, {ignored} ignored")
    if broken or passed == 0:
        sys.exit("windows.sh: these failed: " + ", ".join(broken))


main()
