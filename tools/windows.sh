#!/usr/bin/env bash
# windows.sh: builds csc-bridge for Windows on Debian 12, with apt and cargo alone, and runs it under wine.
#
#   windows.sh setup            what the rest takes, once: mingw, wine, Debian's rustc-web, and the standard library for Windows built from its source
#   windows.sh build            the program, for release
#   windows.sh test             the tests that wine can run
#   windows.sh demo             the demo, from a folder with a blank in its name
#   windows.sh cargo ARGS…      any other command of cargo, for this target; windows.sh rustc ARGS… the compiler
#
# Everything but the packages of apt is in CSC_BRIDGE_WINDOWS (default ~/.cache/csc-bridge-windows). rustup's toolchains are left alone: no
# server that a build may ask has a standard library for Windows, so it is built with the compiler of the same version whose source Debian has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=${CSC_BRIDGE_WINDOWS:-${XDG_CACHE_HOME:-$HOME/.cache}/csc-bridge-windows}
target=x86_64-pc-windows-gnu
# The last version of rustc-web that this was run with. Debian keeps one version of it, so the archive may have moved on.
tried=1.96.0+dfsg1-1~deb12u2
usr=$work/root/usr

heading() {
    printf '\n== %s ==\n' "$1"
}

fail() {
    printf 'windows.sh: %s\n' "$1" >&2
    exit 1
}

# The compiler, the linker and wine, for whatever follows.
environment() {
    [ -x "$usr/bin/rustc" ] || fail "there is no compiler yet; run: tools/windows.sh setup"
    export PATH=$usr/bin:$PATH LD_LIBRARY_PATH=$usr/lib/x86_64-linux-gnu RUSTC=$usr/bin/rustc RUSTDOC=$usr/bin/rustdoc
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc-posix CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine
    export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-posix AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
    export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target}
    # wine says nothing of its own, and asks for no .NET and no browser.
    export WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
    unset RUSTUP_TOOLCHAIN
}

packages() {
    local as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends gcc-mingw-w64-x86-64-posix wine wine64 python3
}

# The newest rustc-web there is, and a word where that is another one than was tried.
compiler() {
    local version series llvm
    version=$(apt-cache madison rustc-web | awk -v tried="$tried" '$3 == tried { found = $3 } END { print found }')
    if [ -z "$version" ]; then
        version=$(apt-cache policy rustc-web | awk '/Candidate:/ { print $2 }')
        [ -n "$version" ] && [ "$version" != "(none)" ] || fail "apt has no rustc-web; this takes Debian 12 with its security archive"
        echo "windows.sh: rustc-web $tried has left the archive; going on with $version. If it works, write that into tools/windows.sh" >&2
    fi
    series=$(cut -d. -f1,2 <<<"$version")
    llvm=$(apt-cache show "libstd-rust-web-$series=$version" | sed -n 's/^Depends:.*\(libllvm[0-9]*\).*/\1/p')
    rm -rf "$work/debs" "$work/root"
    mkdir -p "$work/debs" "$work/root"
    # Unpacked, never installed: rustc-web would stand in the way of other compilers.
    (
        cd "$work/debs"
        apt-get download -q "rustc-web=$version" "cargo-web=$version" "libstd-rust-web-$series=$version" "libstd-rust-web-dev=$version" \
            "rust-web-clippy=$version" "rust-web-src=$version" "$llvm" libgit2-1.5 libssh2-1 libmbedcrypto7 libmbedtls14 libmbedx509-1 \
            libhttp-parser2.9
        for deb in *.deb; do dpkg -x "$deb" "$work/root"; done
    )
    rm -rf "$work/debs"
}

# The standard library for Windows, from the compiler's own source, beside the one for Linux.
standard_library() {
    local crate=$work/std
    mkdir -p "$crate/src" "$usr/lib/rustlib/$target/lib"
    echo 'fn main() {}' >"$crate/src/main.rs"
    printf '[package]\nname = "std"\nversion = "0.1.0"\nedition = "2024"\n' >"$crate/Cargo.toml"
    (
        cd "$crate"
        # No path of this machine gets into what is linked with it.
        export CARGO_TARGET_DIR=$crate/target RUSTC_BOOTSTRAP=1 RUSTFLAGS="--remap-path-prefix=$usr/lib/rustlib/src/rust=/rust"
        cargo build --quiet --release -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test --target "$target"
    )
    cp "$crate/target/$target/release/deps/"*.rlib "$usr/lib/rustlib/$target/lib/"
    rm -rf "$crate"
}

# wine 8 has no bcryptprimitives.dll, from which every Rust program takes its random bytes: its one function, over another of the same kind.
random_bytes() {
    local shim=$work/shim
    mkdir -p "$shim"
    cat >"$shim/bcryptprimitives.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) {
    while (length) {
        ULONG now = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(bytes, now)) return FALSE;
        bytes += now;
        length -= now;
    }
    return TRUE;
}
C
    x86_64-w64-mingw32-gcc-posix -shared -O2 -o "$shim/bcryptprimitives.dll" "$shim/bcryptprimitives.c" -ladvapi32
    rm -rf "$WINEPREFIX"
    wineboot -i >/dev/null 2>&1 || true
    wineserver -w 2>/dev/null || true
    [ -d "$WINEPREFIX/drive_c/windows/system32" ] || fail "wine made no folder C:\\windows in $WINEPREFIX"
    cp "$shim/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
}

setup() {
    heading "packages"
    packages
    # What was set up stays, as long as this file asks for the same.
    local wanted
    wanted=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
    if [ "$(cat "$work/set-up" 2>/dev/null)" = "$wanted" ]; then
        echo "set up already, in $work"
        return
    fi
    rm -f "$work/set-up"
    heading "the compiler"
    compiler
    environment
    rustc -vV
    heading "the standard library for Windows"
    standard_library
    heading "wine"
    random_bytes
    wine --version
    echo "$wanted" >"$work/set-up"
}

# The program for release: its size, and that it needs nothing that Windows does not have.
build() {
    heading "the program"
    cargo build --profile dist --locked --target "$target" -p csc-bridge
    local program=$CARGO_TARGET_DIR/$target/dist/csc-bridge.exe dll
    echo "$program: $(stat -c %s "$program") bytes; it imports"
    x86_64-w64-mingw32-objdump -p "$program" | sed -n 's/.*DLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort -u | while read -r dll; do
        echo "  $dll"
        case $dll in
        api-ms-win-*.dll | advapi32.dll | bcrypt.dll | bcryptprimitives.dll | crypt32.dll | iphlpapi.dll | kernel32.dll | ktmw32.dll | msvcrt.dll | \
            ncrypt.dll | ntdll.dll | ole32.dll | oleaut32.dll | secur32.dll | shell32.dll | user32.dll | userenv.dll | ws2_32.dll) ;;
        *) fail "$dll is no part of Windows" ;;
        esac
    done
}

# All of it compiles without a warning. The tests of what every program for Windows needs run; those of a server's own protocol are the same
# code as on Linux, and ran there. What wine cannot do is in docs/windows.md.
run_tests() {
    heading "tests"
    export RUSTFLAGS="-D warnings"
    cargo test --workspace --all-targets --locked --target "$target" --no-run --message-format=json-render-diagnostics >"$work/built.json"
    # What sends Ctrl-C and Ctrl-Break to the console of a test.
    export CSC_BRIDGE_TEST_CONSOLE_EVENT=$work/console-event.exe
    x86_64-w64-mingw32-gcc-posix -O2 -o "$CSC_BRIDGE_TEST_CONSOLE_EVENT" tools/windows/console-event.c
    python3 tools/windows/run_tests.py <"$work/built.json"
}

# The demo, from a folder with a blank in its name.
demo() {
    heading "demo"
    local folder="$WINEPREFIX/drive_c/Program Files/csc bridge"
    mkdir -p "$folder"
    cp "$CARGO_TARGET_DIR/$target/dist/csc-bridge.exe" "$folder/"
    (cd "$folder" && wine ./csc-bridge.exe demo)
}

case ${1:-} in
setup)
    setup
    ;;
build)
    environment
    build
    ;;
test)
    environment
    run_tests
    ;;
demo)
    environment
    build
    demo
    ;;
cargo)
    shift
    environment
    command=$1
    shift
    exec cargo "$command" --target "$target" "$@"
    ;;
rustc)
    shift
    environment
    exec rustc "$@"
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
