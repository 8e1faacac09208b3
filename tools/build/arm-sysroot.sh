#!/bin/sh
# arm-sysroot.sh DIR: unpacks the arm64 libraries that the library and its tests link. Packages are fetched with a
# private apt state, so neither root nor a foreign architecture on this system is needed.
set -eu

sysroot=$1
packages='libutf8proc-dev check libsubunit-dev libstb-dev libxxhash-dev librandom123-dev libjansson-dev libedit-dev libncurses-dev libbsd-dev libmd-dev'
mkdir -p "$sysroot/apt/lists/partial" "$sysroot/apt/cache/archives/partial"
sysroot=$(cd "$sysroot" && pwd)

private_apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Dir::State::Lists="$sysroot/apt/lists" -o Dir::Cache="$sysroot/apt/cache" "$@"
}

command -v apt-get >/dev/null || { echo "arm: apt-get is needed to fetch arm64 libraries" >&2; exit 1; }
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null || { echo "arm: $tool is missing (make deps-dev)" >&2; exit 1; }
done
private_apt update
cd "$sysroot"
# shellcheck disable=SC2086 # a list of words
private_apt download $packages
for deb in ./*.deb; do dpkg-deb -x "$deb" .; done
rm -rf apt ./*.deb
# Only static libraries are used: what runs under qemu then needs nothing but the cross compiler's C library.
find . -name '*.so' -delete
