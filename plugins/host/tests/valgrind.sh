#!/usr/bin/env bash
# Runs the tests with hostile plugins under valgrind, the child processes too. Works from any folder; takes valgrind, and some minutes.
#
# 1. Every hostile plugin: the host must have no error. What a plugin does wrong in its own code (it writes to address 8) is counted apart.
# 2. Plugins that do with memory what nobody may (memory.rs), one at a time, in the process and isolated: each must be reported, or the tool
#    sees nothing and 1. is worth nothing. Where the host reads bytes that a plugin promised and does not have, that is `Library::make`.
#
# valgrind's own words are in target/valgrind/, a file for each process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

command -v valgrind >/dev/null 2>&1 || {
    echo "valgrind.sh: there is no valgrind; install it with: apt-get install valgrind" >&2
    exit 1
}
logs=$PWD/target/valgrind
rm -rf "$logs"

# under NAME FILTER...: runs those tests under valgrind, with logs in a folder of that name.
under() {
    local name=$1
    shift
    mkdir -p "$logs/$name"
    # Compilers and other programs run as they are. What is given back is filled with other bytes, as its next owner would.
    local tool="valgrind --trace-children=yes --trace-children-skip=/bin/*,/usr/bin/*,*/cc,*/make --log-file=$logs/$name/%p.log"
    tool="$tool --error-markers=BEGIN,END --num-callers=30 --fair-sched=yes --free-fill=0x5a --leak-check=no"
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$tool" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$tool" \
        CSC_BRIDGE_TEST_PATIENCE=8 cargo test --quiet --locked -p csc-bridge-plugin-host --test it -- --test-threads=2 "$@"
}

# errors NAME: a line for each error of all processes: whose it is, and what valgrind calls it. It is the plugin's where the frame in which it
# happened is in the private copy of a library, and "copy" where Library::make reads what a plugin promised; every other is the host's.
errors() {
    awk '
        / BEGIN$/ { what = frame = ""; whose = "host"; described = 0; next }
        / END$/ { print whose ": " what; next }
        { sub(/^==[0-9]+== */, "") }
        what == "" && !/^Thread / { what = $0 }
        /^Address / { described = 1 }
        # memcpy is valgrind'"'"'s own here: whose it is, its caller says.
        frame == "" && /^(at|by) 0x/ && !/vgpreload_memcheck|vg_replace/ { frame = $0; if (/memfd:csc-bridge-plugin/) whose = "plugin" }
        !described && whose == "host" && /Library::make/ { whose = "copy" }
    ' "$logs/$1"/*.log
}

processes() {
    grep -l "Memcheck" "$logs/$1"/*.log | wc -l
}

count() {
    errors "$1" | grep -c "^$2: " || true
}

# valgrind makes a fork of what starts a program, and the word that there is no such program gets lost on the way.
under hostile hostile:: loading:: adapter:: whole:: child:: --skip a_child_that_cannot_be_started
host=$(($(count hostile host) + $(count hostile copy)))
echo "hostile plugins: $(processes hostile) processes, $host errors of the host, $(count hostile plugin) of plugins in their own code"
if [ "$host" -ne 0 ]; then
    errors hostile | grep -v "^plugin: " >&2
    exit 1
fi

for test in rows_in_pages_that_were_given_back rows_in_memory_that_was_given_back rows_with_a_length_beyond_their_memory \
    what_a_plugin_does_in_memory_of_its_own; do
    under "$test" "memory::$test"
    echo "$test: $(processes "$test") processes, $(count "$test" copy) errors where the host copies the plugin's bytes," \
        "$(count "$test" plugin) in the plugin's own code, $(count "$test" host) elsewhere"
    [ "$(count "$test" host)" -eq 0 ] && [ $(($(count "$test" copy) + $(count "$test" plugin))) -gt 0 ] || exit 1
done
echo "valgrind.sh: the host has no error, and each plugin that misuses memory was reported"
