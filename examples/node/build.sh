#!/bin/sh
# build.sh [OUTPUT]: compiles the addon (llmcs.node in this folder). No node-gyp: one call of the compiler.
# CC, CFLAGS; BUILD is the library's build folder (default: that of this repository).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
output=${1:-$here/llmcs.node}
build=$(cd "${BUILD:-$root/build}" && pwd)

headers=
for folder in "$(node -p 'require("path").join(process.execPath, "../../include/node")')" /usr/include/node \
    /usr/include/nodejs/src; do
    if [ -e "$folder/node_api.h" ]; then
        headers=$folder
        break
    fi
done
[ -n "$headers" ] || { echo "build.sh: node_api.h was not found (Debian: package libnode-dev)" >&2; exit 1; }

# shellcheck disable=SC2086 # flags are words
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -fPIC -fvisibility=hidden -shared ${CFLAGS:-} \
    -I"$root/include" -isystem "$headers" "$here"/*.c -o "$output" \
    -L"$build/lib" -lllmcs_shop -lllmcs -lpthread -lm -Wl,-rpath,"$build/lib"
