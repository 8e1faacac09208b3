#!/bin/sh
# release-check.sh VERSION: what has to agree before this version gets its tag. `--lint`: the part that always holds.
set -u

version=$1 part=${2-}
: "${BUILD:?}" "${SONAME:?}" "${SHOP_SONAME:?}"
problems=0
complain() {
    echo "release-check: $1"
    problems=$((problems + 1))
}

entry=$(grep -m 1 '^## ' CHANGELOG.md)
date=$(echo "$entry" | sed -n 's/^## [0-9.]* (\([0-9]\{4\}-[0-9][0-9]-[0-9][0-9]\))$/\1/p')
[ "$(echo "$entry" | cut -d' ' -f2)" = "$version" ] ||
    complain "CHANGELOG.md: found '$entry' as its first entry, expected '## $version (YEAR-MONTH-DAY)', the version of include/llmcs.h"
if [ -z "$date" ] || ! date -d "$date" >/dev/null 2>&1; then
    complain "CHANGELOG.md: '$entry' has no date (YEAR-MONTH-DAY)"
fi
grep -q "that runs, \"$version\"" include/llmcs.h || complain "include/llmcs.h: the comment of llmcs_version does not say \"$version\""
# A package name of Debian follows the soname.
for pair in "$SONAME libllmcs1" "$SHOP_SONAME libllmcs-shop0"; do
    soname=${pair% *} package=${pair#* }
    if [ "$(echo "$package" | sed 's/.*[a-z]//')" != "${soname##*.}" ] || ! grep -qx "Package: $package" tools/package/debian/control; then
        complain "tools/package/debian/control: $soname needs another package than $package"
    fi
done

if [ "$part" != --lint ]; then
    BUILD=$BUILD VERSION=$version tools/package/symbols.sh --check || problems=$((problems + 1))
    [ -z "$(git status --porcelain)" ] || complain 'there are uncommitted changes'
    if tagged=$(git rev-parse -q --verify "v$version^{commit}"); then
        [ "$tagged" = "$(git rev-parse HEAD)" ] || complain "the tag v$version is of another commit: raise the version"
    fi
    last=$(git tag --list 'v[0-9]*' | sed 's/^v//' | sort -V | tail -n 1)
    [ -z "$last" ] || [ "$(printf '%s\n%s\n' "$last" "$version" | sort -V | tail -n 1)" = "$version" ] ||
        complain "version $version is older than the tag v$last"
fi

[ $problems = 0 ] || exit 1
[ "$part" = --lint ] || echo "release-check: $version can be tagged: git tag -a v$version -m 'libllmcs $version'"
