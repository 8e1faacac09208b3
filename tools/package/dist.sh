#!/bin/sh
# dist.sh NAME OUT.tar.gz: the files of the last commit below NAME/. Order, owners, modes and times (SOURCE_DATE_EPOCH) are
# fixed, so that the same commit gives the same bytes.
set -eu

name=$1 out=$2
: "${SOURCE_DATE_EPOCH:?}"
git rev-parse --git-dir >/dev/null 2>&1 || { echo "make dist: this folder is no git repository; unpack a tarball or clone" >&2; exit 1; }
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "make dist: uncommitted changes are left out" >&2
mkdir -p "${out%/*}"
work=$(mktemp -d "${out%/*}/dist.XXXXXX")
trap 'rm -rf "$work"' EXIT
git archive --format=tar --prefix="$name/" HEAD | tar -x -C "$work"
tar -c -C "$work" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w,a+X \
    --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip -6n >"$work/tar.gz"
mv "$work/tar.gz" "$out"
echo "$out"
