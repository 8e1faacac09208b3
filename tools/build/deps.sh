#!/bin/sh
# deps.sh build [dev]: installs the Debian packages that are missing; elsewhere says what is needed.
set -eu

build='gcc g++ make pkg-config check libutf8proc-dev libstb-dev libxxhash-dev librandom123-dev libjansson-dev libedit-dev libmicrohttpd-dev
    libsqlite3-dev libsodium-dev libstemmer-dev libpcre2-dev libopenblas-serial-dev libpq-dev locales python3'
dev='python3-pip python3-venv python3-setuptools python3-wheel python3-distributed parallel mypy
    python3-torch python3-numpy python3-scipy python3-sklearn python3-h5py clang libclang-rt-dev clang-format clang-tidy shellcheck valgrind qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross abigail-tools
    cmake ninja-build mandoc man-db zsh doxygen debhelper dh-python lintian fakeroot systemd strace curl procps chromium chromium-driver postgresql haproxy wrk'

# What tests the bindings; that of another source will do.
command -v node >/dev/null 2>&1 || dev="$dev nodejs libnode-dev"
command -v go >/dev/null 2>&1 || dev="$dev golang-go"
command -v cargo >/dev/null 2>&1 || dev="$dev cargo rust-clippy"

wanted=$build
for group in "$@"; do
    if [ "$group" = dev ]; then wanted="$build $dev"; fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "This is not a Debian-like system. Install what corresponds to these packages of Debian 12, then go on:"
    echo "    $wanted"
    echo "(libutf8proc and the Check test framework with their headers and pkg-config files, stb_sprintf.h as"
    echo "stb/stb_sprintf.h, xxhash.h, Random123/philox.h, jansson, libedit and libmicrohttpd for the commands, SQLite, libsodium,"
    echo "libstemmer and PCRE2 for the shop layer, libpq if its stores in PostgreSQL are wanted, a static serial"
    echo "OpenBLAS if the OpenBLAS back end is wanted.)"
    exit 0
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "deps: everything is installed"
    exit 0
fi

echo "deps: installing$missing"
if [ "$(id -u)" = 0 ]; then
    as_root='env'
elif command -v sudo >/dev/null 2>&1; then
    as_root='sudo'
else
    echo "deps: not root and no sudo; run as root: apt-get install$missing" >&2
    exit 1
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
