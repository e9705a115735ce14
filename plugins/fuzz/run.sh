#!/usr/bin/env bash
# run.sh [SECONDS] [SEED]: fuzzes what the host decodes, for 60 seconds unless told otherwise, on one core. Works from any folder.
#
# It takes Linux on x86-64, a C++ compiler, and the Rust that everything else takes: the sanitizer's runtime comes with it, and
# RUSTC_BOOTSTRAP lets this one build ask for it. Inputs that found something new stay in target/fuzz/corpus, and the next run begins from
# them (remove the folder for one that can be repeated with the same SEED); an input that broke something is in target/fuzz/found, and
#     target/fuzz/x86_64-unknown-linux-gnu/release/decoder target/fuzz/found/crash-…
# shows it again. CSC_BRIDGE_FUZZ_ASAN=0 leaves AddressSanitizer out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
seed=${2:-$(($(od -An -N3 -tu4 /dev/urandom) + 1))}
target=../../target/fuzz
triple=x86_64-unknown-linux-gnu

command -v c++ >/dev/null 2>&1 || {
    echo "run.sh: there is no C++ compiler (c++); install one, such as g++" >&2
    exit 1
}

# Where a branch goes, by counters of 8 bits, and what is compared with what. The triple is named so that build scripts and macros stay as
# they are.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=4"
if [ "${CSC_BRIDGE_FUZZ_ASAN:-1}" = 1 ]; then
    flags="$flags -Zsanitizer=address"
    export RUSTC_BOOTSTRAP=1
    # SQLite comes with the host, and nothing of it runs here.
    export CFLAGS="-O0 -fno-sanitize=all" CXXFLAGS="-fno-sanitize=all"
fi
RUSTFLAGS="$flags" cargo build --locked --release --target "$triple" --target-dir "$target"
decoder=$target/$triple/release/decoder

mkdir -p "$target/corpus" "$target/found"
CSC_BRIDGE_FUZZ_SEEDS=$target/seeds "$decoder"
echo "run.sh: $seconds seconds, seed $seed"
# A frame may announce 256 MB, for which room is made before they come. Leaks are looked for, too.
exec "$decoder" -seed="$seed" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -dict=words.dict \
    -artifact_prefix="$target/found/" -print_final_stats=1 -verbosity=1 "$target/corpus" "$target/seeds"
