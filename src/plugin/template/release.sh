#!/bin/sh
# Builds the library and writes its manifest, both into release/: what is handed out. PROFILE=dev builds as the tests do.
# Publish the hash, too, where nobody who can change the library can change it.
set -eu
cd "$(dirname "$0")"

# FILL IN 10 of 10: who publishes the plugin, as authorities will read it.
publisher="<who publishes it>"

profile=${PROFILE:-release}
cargo build --profile "$profile"
folder=${CARGO_TARGET_DIR:-target}/$profile
[ "$profile" != dev ] || folder=${CARGO_TARGET_DIR:-target}/debug
case $(uname) in
    Darwin) library=libcare_director.dylib ;;
    *) library=libcare_director.so ;;
esac

mkdir -p release
cp "$folder/$library" release/
hash=$({ sha256sum "release/$library" 2>/dev/null || shasum -a 256 "release/$library"; } | cut -c 1-64)
[ "${#hash}" -eq 64 ]
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
cat > release/care-director.toml <<END
name      = "care-director"
version   = "$version"
abi       = 1
file      = "$library"
sha256    = "$hash"
publisher = "$publisher"
END
cat release/care-director.toml
