#!/usr/bin/env bash
# wasm-debian.sh DIR: makes in DIR a private Rust toolchain for wasm32-unknown-unknown out of Debian's rustc-web
# packages, for machines where `rustup target add` cannot work. Nothing is installed and no root is needed; it takes
# about a minute. The standard library is compiled from Debian's sources, so cargo must be able to fetch crates.
set -euo pipefail

say() { printf 'wasm toolchain: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

[ $# = 1 ] || die "usage: $0 DIR"
case $1 in /*) final=$1 ;; *) final=$PWD/$1 ;; esac
for command in apt-get apt-cache dpkg-deb cargo flock ldd; do
    command -v "$command" >/dev/null 2>&1 || die "needs the command $command"
done
[ "$(dpkg --print-architecture)" = amd64 ] || die "only written for amd64"
host=x86_64-unknown-linux-gnu
multiarch=x86_64-linux-gnu

mkdir -p "$(dirname "$final")"
exec 9>"$final.lock"
flock -w 900 9 || die "another call has been making it for 15 minutes"
[ ! -f "$final/.complete" ] || exit 0

work=$final.partial
rm -rf "$work" "$final"
mkdir -p "$work/debs" "$work/root" "$work/toolchain/bin" "$work/toolchain/lib"
trap 'rm -rf "$work"' EXIT

known_version() { apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1; }
fetch() { timeout 300 apt-get -o APT::Sandbox::User=root download -qq "$@" >&2; }

cd "$work/debs"
if [ "$(id -u)" = 0 ] && ! apt-get download --print-uris rustc-web >/dev/null 2>&1; then
    say "apt-get update"
    timeout 300 apt-get update -qq >&2
fi
version=$(known_version rustc-web)
[ -n "$version" ] || die "apt knows no rustc-web (run apt-get update once)"
minor=$(sed -E 's/^([0-9]+\.[0-9]+)\..*/\1/' <<<"$version")
llvm=$(apt-cache show --no-all-versions "libstd-rust-web-$minor" | sed -n 's/^Depends:.*\(libllvm[0-9][0-9]*\).*/\1/p' | head -n 1)
[ -n "$llvm" ] || die "cannot tell which libllvm rustc-web $version needs"
llvm_version=${llvm#libllvm}

say "fetching Debian's rustc $version and $llvm"
fetch "rustc-web=$version" "libstd-rust-web-dev=$version" "libstd-rust-web-$minor=$version" \
    "rust-web-src=$version" "$llvm" "lld-$llvm_version"
fetch "rust-web-clippy=$version" || say "no rust-web-clippy: clippy does not check the wasm half"
for deb in *.deb; do dpkg-deb -x "$deb" ../root; done

cd "$work"
rustlib=toolchain/lib/rustlib
cp -a root/usr/bin/rustc root/usr/bin/rustdoc toolchain/bin/
for tool in clippy-driver cargo-clippy; do
    [ ! -f "root/usr/bin/$tool" ] || cp -a "root/usr/bin/$tool" toolchain/bin/
done
cp -a root/usr/lib/$multiarch/librustc_driver-*.so toolchain/lib/
cp -aL root/usr/lib/$multiarch/libLLVM.so.* toolchain/lib/
cp -a root/usr/lib/rustlib toolchain/lib/
rm -rf "$rustlib/src"
mkdir -p "$rustlib/$host/bin"
cp -aL "root/usr/lib/llvm-$llvm_version/bin/lld" "$rustlib/$host/bin/rust-lld"
# cargo itself is the one already here
cargo=$(rustup which cargo 2>/dev/null || command -v cargo)
ln -s "$cargo" toolchain/bin/cargo

export LD_LIBRARY_PATH=$work/toolchain/lib
missing=$(ldd toolchain/bin/rustc "$rustlib/$host/bin/rust-lld" | sed -n 's/ => not found//p' | sort -u | tr '\n' ' ')
[ -z "$missing" ] || die "shared libraries missing: $missing(as root: apt-get install $llvm lld-$llvm_version)"

say "building the wasm32 standard library (about a minute)"
source=$(echo "$work"/root/usr/src/rustc-*/library)
commit=$(toolchain/bin/rustc -vV | sed -n 's/^commit-hash: //p')
cd "$source"
env -u RUSTUP_TOOLCHAIN -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER -u CARGO_ENCODED_RUSTFLAGS \
    -u CARGO_BUILD_TARGET -u CARGO_TARGET_DIR \
    RUSTC="$work/toolchain/bin/rustc" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=wasm32std \
    RUSTFLAGS="-Zforce-unstable-if-unmarked --remap-path-prefix=${source%/library}=/rustc/$commit" \
    timeout 900 "$cargo" build --quiet --locked -p sysroot --target wasm32-unknown-unknown --profile dist \
    --features 'backtrace compiler-builtins-mem' --target-dir "$work/target" >&2
cd "$work"
mkdir -p "$rustlib/wasm32-unknown-unknown/lib"
cp target/wasm32-unknown-unknown/dist/deps/*.rlib "$rustlib/wasm32-unknown-unknown/lib/"

mv toolchain "$final"
touch "$final/.complete"
say "ready: $final"
