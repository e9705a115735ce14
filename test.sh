#!/usr/bin/env bash
# Every check there is, in the order of their price. Works from any folder; ends at the first check that fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Every crate is built once here: what would make the next build of it quicker costs time and half the disk.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

heading() {
    printf '\n== %s ==\n' "$1"
}

fail() {
    printf 'test.sh: %s\n' "$1" >&2
    exit 1
}

# As root without more ado, as anybody else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

# SQLite is compiled from C, and so is a part of the TLS library: that takes a compiler and the C library's headers. PostgreSQL's tests
# take a server, and so do those of the plugin for MariaDB; where it cannot be installed like this they are skipped. One plugin among
# the examples is in C, with a Makefile. The linter of SQL is a Python program.
install_missing() {
    if ! command -v apt-get >/dev/null 2>&1; then
        command -v cc >/dev/null 2>&1 || fail "there is no C compiler (cc); install one, such as gcc"
        return
    fi
    local missing=()
    command -v cc >/dev/null 2>&1 || missing+=(gcc)
    [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
    command -v make >/dev/null 2>&1 || missing+=(make)
    # The tests start servers of their own from its programs. The cluster that the package makes is left alone.
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
    # The programs alone, for a plugin among the examples. The second package has what the first one's installer calls.
    [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server-core)
    command -v my_print_defaults >/dev/null 2>&1 || missing+=(mariadb-client-core)
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
    if [ "${#missing[@]}" -gt 0 ]; then
        as_root apt-get update
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
    fi
}

# need ADVICE COMMAND...: ends with the advice where the command is not there.
need() {
    local advice=$1
    shift
    "$@" --version >/dev/null 2>&1 || fail "'$*' does not work here; $advice"
}

heading "what the checks need"
install_missing
need "install Rust 1.91 or later, see https://rustup.rs" cargo
need "install it with: rustup component add rustfmt" cargo fmt
need "install it with: rustup component add clippy" cargo clippy

heading "the field table of the documentation"
if command -v python3 >/dev/null 2>&1 && python3 -c 'import tomllib' >/dev/null 2>&1; then
    python3 docs/field-table.py --check
else
    echo "left out: there is no Python 3.11 or later here"
fi

# A linter's grammar is not the server's, but it knows what T-SQL may look like, and what Oracle's SQL may.
lint_statements() {
    local linter=target/sqlfluff version=4.5.0
    if [ "$("$linter/bin/sqlfluff" --version 2>/dev/null)" != "sqlfluff, version $version" ]; then
        python3 -m venv --clear "$linter"
        "$linter/bin/pip" install --quiet --disable-pip-version-check "sqlfluff==$version"
    fi
    "$linter/bin/sqlfluff" lint --disable-progress-bar --config adapters/sqlserver/tests/it/sqlfluff.cfg \
        adapters/sqlserver/tests/it/statements.sql
    # Its grammar lacks a few of Oracle's constructs: they are read in other words.
    sed -f adapters/oracle/tests/it/sqlfluff.sed adapters/oracle/tests/it/statements.sql |
        "$linter/bin/sqlfluff" lint --disable-progress-bar --config adapters/oracle/tests/it/sqlfluff.cfg -
}

heading "the statements for SQL Server and Oracle"
if python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    lint_statements
else
    echo "left out: there is no Python with venv here"
fi

heading "cargo fmt"
cargo fmt --all --check

heading "cargo clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings

heading "cargo test"
cargo test --workspace --locked

heading "without Oracle"
cargo test -p csc-bridge --locked --no-default-features --test it without_oracle

heading "cargo doc"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

printf '\ntest.sh: all passed\n'
