#!/bin/sh
# deb.sh VERSION DATE TARBALL OUT: Debian packages from the tarball of `make dist`, in the folder OUT, checked by lintian.
# DEB_BUILD_OPTIONS as for dpkg-buildpackage (nocheck, parallel=N).
# DEBFULLNAME and DEBEMAIL are the maintainer, as for Debian's own tools; without them the address of the last commit's author.
set -eu

version=$1 date=$2 tarball=$3 out=$4
for tool in dpkg-buildpackage dh lintian; do
    command -v $tool >/dev/null || { echo "make deb: $tool is missing: make deps-dev" >&2; exit 1; }
done
commit=$(git rev-parse HEAD)
maintainer="${DEBFULLNAME:-The libllmcs authors} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"
rm -rf "$out"
mkdir -p "$out"
cp "$tarball" "$out/llmcs_$version.orig.tar.gz"
tar -xf "$tarball" -C "$out"
source=$out/llmcs-$version
cp -r "$source/tools/package/debian" "$source/debian"
# In a replacement of sed \, & and / have a meaning.
escaped=$(printf '%s' "$maintainer" | sed 's|[\\&/]|\\&|g')
sed -i "s/^Maintainer: .*/Maintainer: $escaped/" "$source/debian/control"

# A revision below Debian's own first one.
cat >"$source/debian/changelog" <<EOF
llmcs ($version-0upstream1) unstable; urgency=medium

  * Version $version; CHANGELOG.md says what is new.

 -- $maintainer  $(LC_ALL=C date -u -R -d "$date")
EOF

# The licences of LICENSE in the form that Debian reads.
paragraph() { sed -e 's/^ *//' -e 's/^$/./' -e 's/^/ /'; }
{
    cat <<'EOF'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: libllmcs

Files: *
Copyright: 2026 The libllmcs authors
License: Expat

Files: lib/shop/spelling/english_*.h
Copyright: 2000-2011 Kevin Atkinson
           1997 Princeton University
           1993 Geoff Kuenning
License: SCOWL

License: Expat
EOF
    sed -n '/^Permission is hereby granted/,/^SOFTWARE\./p' "$source/LICENSE" | paragraph
    printf '\nLicense: SCOWL\n'
    sed -n '/^lib\/shop\/spelling/,$p' "$source/LICENSE" | paragraph
} >"$source/debian/copyright"

cd "$source"
# Without the variables of the make that calls this. Weights hardly get smaller; a high level only takes long.
env -i PATH="$PATH" HOME="${HOME:-/}" LC_ALL=C.UTF-8 ${CCACHE_DIR:+"CCACHE_DIR=$CCACHE_DIR"} \
    DPKG_DEB_COMPRESSOR_LEVEL=1 DEB_BUILD_OPTIONS="parallel=$(nproc) ${DEB_BUILD_OPTIONS-}" dpkg-buildpackage -us -uc
cd ..
echo
lintian --fail-on error,warning -- *.changes
ls -l -- *.deb
echo "$commit" >commit # for tests/package/test_deb.py
