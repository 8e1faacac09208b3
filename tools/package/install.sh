#!/bin/sh
# install.sh install|uninstall: `make install` and `make uninstall`. One list of files serves both, so that nothing is left
# behind. What make knows comes in the environment (tools/package/package.mk).
set -eu

action=$1
root=${DESTDIR-}
: "${BUILD:?}" "${PREFIX:?}" "${BINDIR:?}" "${LIBDIR:?}" "${INCLUDEDIR:?}" "${DATADIR:?}" "${MANDIR:?}" "${DOCDIR:?}"
: "${BASHCOMPDIR:?}" "${ZSHDIR:?}" "${UNITDIR:?}" "${SYSCONFDIR:?}" "${VERSION:?}" "${SHOP_VERSION:?}" "${SONAME:?}" "${SHOP_SONAME:?}"

folders=$(mktemp)
trap 'rm -f "$folders"' EXIT

strip_it() { # strip_it FLAG FILE
    if [ "${INSTALL_STRIP-1}" = 1 ]; then "${STRIP:-strip}" "$1" "$2"; fi
}

made=
folder() {
    if [ "$1" != "$made" ]; then install -d "$root$1"; fi
    made=$1
}

# put MODE SOURCE FOLDER [NAME]
put() {
    to=$root$3/${4:-${2##*/}}
    if [ "$action" = uninstall ]; then
        rm -f "$to"
        echo "$3" >>"$folders"
    else
        folder "$3"
        install -m "$1" "$2" "$to"
    fi
}

# link TARGET FOLDER NAME
link() {
    if [ "$action" = uninstall ]; then
        rm -f "$root$2/$3"
        echo "$2" >>"$folders"
    else
        folder "$2"
        ln -sfn "$1" "$root$2/$3"
    fi
}

# What is not built is not installed; uninstall removes what an earlier build may have had.
built() { [ "$action" = uninstall ] || [ -e "$1" ]; }

# tree SOURCE FOLDER [PATTERN]: all files below SOURCE whose names do not match, without what is built there (.gitignore)
tree() {
    find "$1" \( -name __pycache__ -o -name target -o -name '*.node' -o -name Cargo.lock \) -prune -o \
        -type f ! -name "${3-*.pyc}" -print | sort >"$folders.tree"
    while read -r file; do
        inside=${file#"$1"}
        inside=${inside%/*}
        mode=644
        if [ -x "$file" ]; then mode=755; fi
        put $mode "$file" "$2$inside"
    done <"$folders.tree"
    rm -f "$folders.tree"
}

library() { # library NAME SONAME VERSION
    put 755 "$BUILD/lib/$2" "$LIBDIR" "$1.so.$3"
    if [ "$action" = install ]; then strip_it --strip-unneeded "$root$LIBDIR/$1.so.$3"; fi
    link "$1.so.$3" "$LIBDIR" "$2"
    link "$2" "$LIBDIR" "$1.so"
    put 644 "$BUILD/lib/$1.a" "$LIBDIR"
    if [ "$action" = install ]; then strip_it --strip-debug "$root$LIBDIR/$1.a"; fi
}

# template SOURCE FOLDER NAME: with the places filled in
template() {
    if [ "$action" = install ]; then
        # Paths below the prefix are relative to it, so that the tree can be moved.
        sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@LIBDIR@|$(below_prefix "$LIBDIR")|g" -e "s|@BINDIR@|$BINDIR|g" \
            -e "s|@INCLUDEDIR@|$(below_prefix "$INCLUDEDIR")|g" -e "s|@VERSION@|$VERSION|g" \
            -e "s|@SHOP_VERSION@|$SHOP_VERSION|g" -e "s|@SONAME@|$SONAME|g" -e "s|@SHOP_SONAME@|$SHOP_SONAME|g" \
            -e "s|@CMAKE_LIBDIR@|$(seen_from_cmake "$LIBDIR")|g" -e "s|@CMAKE_INCLUDEDIR@|$(seen_from_cmake "$INCLUDEDIR")|g" \
            -e "s|@SYSCONFDIR@|$SYSCONFDIR|g" -e "s|\"examples/models/|\"$DATADIR/llmcs/models/|g" "$1" >"$folders.text"
        put 644 "$folders.text" "$2" "$3"
        rm -f "$folders.text"
    else
        put 644 "$1" "$2" "$3"
    fi
}
below_prefix() {
    # shellcheck disable=SC2016 # a variable of pkg-config
    case $1 in "$PREFIX"/*) printf '${prefix}/%s' "${1#"$PREFIX"/}" ;; *) printf '%s' "$1" ;; esac
}
seen_from_cmake() {
    # shellcheck disable=SC2016 # a variable of CMake
    case $1 in
        "$PREFIX"/*) printf '${CMAKE_CURRENT_LIST_DIR}/%s' "$(realpath -ms --relative-to="$LIBDIR/cmake/llmcs" "$1")" ;;
        *) printf '%s' "$1" ;;
    esac
}

# ---- libraries, headers and what finds them

library libllmcs "$SONAME" "$VERSION"
library libllmcs_shop "$SHOP_SONAME" "$SHOP_VERSION"
for plugin in openblas shop_postgres; do
    if built "$BUILD/lib/libllmcs_$plugin.so"; then
        put 755 "$BUILD/lib/libllmcs_$plugin.so" "$LIBDIR"
        if [ "$action" = install ]; then strip_it --strip-unneeded "$root$LIBDIR/libllmcs_$plugin.so"; fi
    fi
done
for header in include/*.h include/*.hpp; do put 644 "$header" "$INCLUDEDIR"; done
for name in llmcs llmcs_shop; do template tools/package/$name.pc.in "$LIBDIR/pkgconfig" $name.pc; done
for name in llmcsConfig.cmake llmcsConfigVersion.cmake; do
    template tools/package/cmake/$name.in "$LIBDIR/cmake/llmcs" $name
done

# ---- programs, their pages and completions

for program in llmcs llmcs-shop llmcs-bench llmcs-server; do
    if built "$BUILD/bin/$program"; then
        put 755 "$BUILD/bin/$program" "$BINDIR"
        if [ "$action" = install ]; then strip_it --strip-unneeded "$root$BINDIR/$program"; fi
    fi
done
for page in "$BUILD"/man/*.1; do if [ -e "$page" ]; then put 644 "$page" "$MANDIR/man1"; fi; done
for file in "$BUILD"/completions/bash/*; do if [ -e "$file" ]; then put 644 "$file" "$BASHCOMPDIR"; fi; done
for file in "$BUILD"/completions/zsh/_*; do if [ -e "$file" ]; then put 644 "$file" "$ZSHDIR"; fi; done
if [ "$action" = uninstall ]; then # pages and completions of a build folder that was emptied since
    for file in "$root$MANDIR/man1/llmcs.1" "$root$MANDIR"/man1/llmcs-*.1; do
        if [ -e "$file" ] && grep -q '^\.\\" Generated by tools/package/man.py' "$file"; then rm -f "$file"; fi
    done
    for program in llmcs llmcs-shop llmcs-bench llmcs-server; do
        rm -f "$root$BASHCOMPDIR/$program" "$root$ZSHDIR/_$program"
    done
    printf '%s\n' "$MANDIR/man1" "$BASHCOMPDIR" "$ZSHDIR" >>"$folders"
fi
template tools/package/systemd/llmcs-server.service.in "$UNITDIR" llmcs-server.service
template examples/server.json "$DOCDIR/examples" server.json

# ---- documentation, examples, demo models

for page in README.md README.zh-CN.md ARCHITECTURE.md CHANGELOG.md SECURITY.md LICENSE; do put 644 $page "$DOCDIR"; done
put 644 tools/package/haproxy/llmcs.cfg "$DOCDIR/haproxy"
for file in examples/*.c examples/*.cpp examples/*.h examples/*.py examples/*.sh; do
    mode=644
    if [ -x "$file" ]; then mode=755; fi
    put $mode "$file" "$DOCDIR/examples"
done
for folder in examples/*/; do # of other languages
    case $folder in examples/models/ | examples/shop/) ;; *) tree "${folder%/}" "$DOCDIR/${folder%/}" ;; esac
done
tree examples/shop "$DATADIR/llmcs/shop" '*.py' # the data, not what made it
tree examples/models "$DATADIR/llmcs/models"
# Where llmcs-shop looks for it.
link models/heads/names.tagger "$DATADIR/llmcs" names.tagger

# ---- uninstall: folders that are empty now, the deepest first. Those that every system has stay.

if [ "$action" = uninstall ]; then
    sort -u "$folders" | while read -r folder; do
        while [ "$folder" != / ] && [ -n "$folder" ]; do
            echo "$folder"
            folder=${folder%/*}
        done
    done | sort -ur | while read -r folder; do
        if [ -z "$root" ]; then
            case $folder in
                "$PREFIX"/*/llmcs | "$PREFIX"/*/llmcs/*) ;;
                /usr | /usr/* | /etc | /opt | /lib | /home) continue ;;
            esac
        fi
        if [ -d "$root$folder" ]; then rmdir --ignore-fail-on-non-empty "$root$folder"; fi
    done
elif [ -z "$root" ] && [ "$(id -u)" = 0 ]; then
    echo "installed below $PREFIX; if the loader does not find libllmcs: ldconfig"
fi
