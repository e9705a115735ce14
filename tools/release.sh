#!/usr/bin/env bash
# release.sh [FOLDER]: the archives that authorities get, into FOLDER (default dist/): csc-bridge-<version>-windows-x86_64.zip and
# csc-bridge-<version>-linux-x86_64.tar.gz, and SHA256SUMS of the two. Takes Debian 12, Rust, Python, and tools/windows.sh setup.
#
# The same commit gives the same bytes, wherever and whenever it is built with the same compilers: what is built is the commit, not the working
# tree; no path and no time of the build is in it. docs/release.md says how to check that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'release.sh: %s\n' "$1" >&2
    exit 1
}

out=${1:-dist}
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -z "$(git status --porcelain --untracked-files=no)" ] || fail "there are changes that are not committed; the release is of a commit"

commit=$(git rev-parse HEAD)
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The time of everything in the archives.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive HEAD | tar -x -C "$work" --one-top-level=source
cd "$work/source"

# Paths of this machine become names that every machine has.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
renamed=("$work/source=/csc-bridge" "$cargo_home=/cargo")
RUSTFLAGS="" CFLAGS=""
for name in "${renamed[@]}"; do
    RUSTFLAGS+=" --remap-path-prefix=$name"
    CFLAGS+=" -ffile-prefix-map=$name"
done
export CFLAGS CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$work/target

# contents FOLDER PROGRAM COMPILER LINKER: the folder that is to be packed.
contents() {
    local folder=$work/$1
    mkdir -p "$folder"
    cp "$2" "$folder/"
    printf 'commit: %s\ncompiler: %s\nlinker: %s\n' "$commit" "$3" "$4" >"$folder/BUILD"
    cp -r README.md CHANGELOG.md LICENSE config docs "$folder/"
    mkdir -p "$folder/plugins"
    cp plugins/abi/include/*.h "$folder/plugins/"
    (cd "$folder" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >SHA256SUMS)
}

linux=csc-bridge-$version-linux-x86_64
RUSTFLAGS="$RUSTFLAGS" cargo build --profile dist --locked -p csc-bridge
contents "$linux" "$CARGO_TARGET_DIR/dist/csc-bridge" "$(rustc --version)" "$(cc --version | head -1)"
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w,a+X -c "$linux" |
    gzip -9 -n >"$out/$linux.tar.gz"

windows=csc-bridge-$version-windows-x86_64
# The linker would write the time into the head of the program.
RUSTFLAGS="$RUSTFLAGS -Clink-arg=-Wl,--no-insert-timestamp" tools/windows.sh build
contents "$windows" "$CARGO_TARGET_DIR/x86_64-pc-windows-gnu/dist/csc-bridge.exe" "$(tools/windows.sh rustc --version)" \
    "$(x86_64-w64-mingw32-gcc-posix --version | head -1)"
python3 - "$work" "$windows" "$out/$windows.zip" <<'PYTHON'
import os, sys, time, zipfile

parent, name, archive = sys.argv[1:]
when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
files = [os.path.join(folder, file) for folder, _, names in os.walk(os.path.join(parent, name)) for file in names]
with zipfile.ZipFile(archive, "w") as zipped:
    for path in sorted(files):
        entry = zipfile.ZipInfo(os.path.relpath(path, parent), when)
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as file:
            zipped.writestr(entry, file.read(), compresslevel=9)
PYTHON

cd "$out"
sha256sum "$linux.tar.gz" "$windows.zip" >SHA256SUMS
cat SHA256SUMS
