#!/bin/sh
# symbols.sh [--check]: the functions of the libraries in BUILD that debian/*.symbols do not list are added, as new in this
# version; --check only names them. Functions are never removed: that would be another soname.
set -eu

check=${1-}
folder=tools/package/debian
missing=0
update() { # update LIBRARY PACKAGE SYMBOL_VERSION
    library=$1 package=$2 node=$3
    file=$folder/$package.symbols
    if [ ! -e "$file" ]; then
        printf '%s %s #MINVER#\n* Build-Depends-Package: libllmcs-dev\n' "${library##*/}" "$package" >"$file"
    fi
    listed=$(mktemp)
    sed -n 's/^ \([^ ]*\)@[^ ]* .*/\1/p' "$file" | sort >"$listed"
    exported=$("${NM:-nm}" -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u)
    new=$(echo "$exported" | comm -13 "$listed" -)
    gone=$(echo "$exported" | comm -23 "$listed" -)
    rm -f "$listed"
    [ -z "$gone" ] || { echo "$file: the library lost $(echo "$gone" | paste -sd' '): another soname is needed" >&2; exit 1; }
    [ -n "$new" ] || return 0
    if [ "$check" = --check ]; then
        echo "$file lacks $(echo "$new" | paste -sd' '): make deb-symbols"
        missing=1
        return 0
    fi
    for name in $new; do printf ' %s@%s %s\n' "$name" "$node" "$VERSION"; done >>"$file"
    { head -n 2 "$file"; tail -n +3 "$file" | LC_ALL=C sort; } >"$file.new"
    mv "$file.new" "$file"
    echo "$file: $(echo "$new" | wc -l) added"
}

update "$BUILD/lib/$SONAME" libllmcs1 LLMCS_1
update "$BUILD/lib/$SHOP_SONAME" libllmcs-shop0 LLMCS_SHOP_1
exit $missing
