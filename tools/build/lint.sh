#!/bin/sh
# lint.sh FILE.[ch]...: what a compiler does not say. Needs BUILD with the release library in it.
set -u

so=$BUILD/lib/libllmcs.so
nm=${NM:-nm}
problems=0
complain() {
    echo "lint: $1"
    problems=$((problems + 1))
}
section() { printf '== %s\n' "$1"; }

for tool in clang-format clang-tidy shellcheck; do
    command -v $tool >/dev/null || { echo "lint: $tool is missing (make deps-dev)" >&2; exit 1; }
done

section 'symbols that leave the library'
"$nm" -D --defined-only "$so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$BUILD/exported"
"$nm" --defined-only "$BUILD/lib/libllmcs.a" | awk '$2 ~ /^[A-TV-Z]$/ { print $3 }' | sort -u >"$BUILD/exported.a"
for list in "$BUILD/exported" "$BUILD/exported.a"; do
    other=$(grep -v '^llmcs_' "$list")
    [ -z "$other" ] || complain "$list: not llmcs_*: $(echo "$other" | tr '\n' ' ')"
done
# Every function of the headers is there, and nothing more.
grep -hv '^ \*' include/*.h | tr '\n' ' ' | grep -o 'LLMCS_API [^;]*;' | grep -o 'llmcs_[a-z0-9_]*(' | tr -d '(' |
    sort -u >"$BUILD/declared"
for name in $(comm -23 "$BUILD/declared" "$BUILD/exported"); do complain "$name is declared and not exported"; done
for name in $(comm -13 "$BUILD/declared" "$BUILD/exported"); do complain "$name is exported and not declared"; done

shop=$BUILD/lib/libllmcs_shop.so
"$nm" -D --defined-only "$shop" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$BUILD/exported.shop"
sed 's|^ \*.*||' include/llmcs_shop*.h | tr '\n' ' ' | grep -o 'LLMCS_SHOP_API [^;]*;' | grep -o 'llmcs_shop_[a-z0-9_]*(' |
    tr -d '(' | sort -u >"$BUILD/declared.shop"
for name in $(comm -3 "$BUILD/declared.shop" "$BUILD/exported.shop"); do complain "$name is not both declared and exported"; done
# The shop layer sees the public headers, its own and its packages', nothing else.
found=$(find lib/shop -name '*.[ch]' -exec grep -nE '^#include "' /dev/null {} + | grep -vE '"(llmcs[a-z_]*\.h|shop/[a-z0-9_/]+\.h)"')
[ -z "$found" ] || complain "lib/shop includes what it may not: $found"
found=$(find lib tools/llmcs -name '*.[ch]' ! -path 'lib/shop/*' -exec grep -nE 'llmcs_shop' /dev/null {} +)
[ -z "$found" ] || complain "the core knows the shop layer: $found"

section 'symbols that the library imports'
"$nm" -D --undefined-only "$so" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u >"$BUILD/imported"
sed -e 's/#.*//' tools/build/imports.allow | tr -s ' ' '\n' | sed '/^$/d' | sort -u >"$BUILD/allowed"
for name in $(comm -23 "$BUILD/imported" "$BUILD/allowed"); do
    complain "$name is called; tools/build/imports.allow says what may be, and why"
done

section 'ABI'
# Structs may grow at their ends and functions may come, with a new version and a new baseline; nothing else may change.
if ! command -v abidiff >/dev/null; then
    complain 'abidiff is missing (package abigail-tools, make deps-dev)'
elif [ "$(uname -m)" != x86_64 ]; then
    echo 'skipped: the baseline is that of x86-64'
else
    abidiff --drop-private-types --headers-dir2 include --exported-interfaces-only tests/abi/libllmcs.abi "$so" ||
        complain 'the ABI is not that of tests/abi/libllmcs.abi; run make abi-baseline if older programs keep working'
    abidiff --drop-private-types --headers-dir2 include --exported-interfaces-only tests/abi/libllmcs_shop.abi "$shop" ||
        complain 'the ABI is not that of tests/abi/libllmcs_shop.abi; run make abi-baseline if older programs keep working'
fi

section 'words that lib/ does without'
# strcpy and sprintf have no bound, strtod and printf read the locale, alloca has no bound, assert ends the host.
banned='\b(abort|exit|_exit|assert|alloca|printf|fprintf|vprintf|sprintf|vsprintf|snprintf|puts|putchar|perror|strcpy'
banned="$banned|strcat|strtok|gets|strtod|strtof|strtol|strtoul|atoi|atof|scanf|sscanf|setjmp|longjmp|signal|setlocale"
banned="$banned|rand|srand|system|popen|getenv|malloc|calloc|realloc) *\("
found=$(find lib -name '*.[ch]' -exec grep -nE "$banned" /dev/null {} + | grep -vE ':[0-9]+: *(/?\*|//)')
[ -z "$found" ] || complain "$found"

section 'private words'
# tools/build/words.txt: what the field calls otherwise. Prompts in examples, customers' words and addresses are nobody's
# vocabulary.
words=$(grep -v '^#' tools/build/words.txt | cut -f1 | paste -sd'|')
found=$(git ls-files lib include tools bench examples tests '*.md' | grep -E '\.(c|h|cpp|hpp|py|sh|md|mjs|js|ts|go|rs)$' | grep -v '^tools/server/page/text.js\|^examples/models/\|^examples/shop/\|^tools/train/\|^tools/eval/\|^tests/abi/\|^tests/data/\|^lib/shop/guard/addresses.c\|^lib/shop/guard/words_cues.c\|^lib/shop/spelling/english_\|^lib/shop/desk/words.c' |
    xargs grep -niwE "$words" | grep -v 'The customer asked for\|"I guess')
[ -z "$found" ] || complain "write instead what tools/build/words.txt says:
$found"

section 'clang-format'
printf '%s\n' "$@" | xargs -n 20 -P "$(nproc)" clang-format --dry-run -Werror || complain 'make format changes the files above'

section 'shellcheck'
find .ci/run tools tests examples \( -name run -o -name '*.sh' \) -exec shellcheck {} + || complain 'shellcheck'

section 'clang-tidy'
# The analyzer visits at most so many states of a function. clang's default is 225000; a third of it takes a third of the time.
analyzer="-Xclang -analyzer-config -Xclang max-nodes=${ANALYZER_NODES:-75000}"
flags="-std=c11 -D_GNU_SOURCE -DLLMCS_BUILD -Iinclude -Ilib $(pkg-config --cflags libpq) $analyzer"
x86='-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq'
# shellcheck disable=SC2016 # what the inner shell expands
find lib -name '*.c' ! -path '*/arm/*' | sort | FLAGS=$flags X86=$x86 xargs -n 1 -P "$(nproc)" sh -c '
    case $1 in */x86/*) FLAGS="$FLAGS $X86" ;; esac
    clang-tidy --quiet "$1" -- $FLAGS 2>/dev/null' _ || complain 'clang-tidy'

if [ $problems = 0 ]; then echo 'lint: nothing to say'; else
    echo "lint: $problems problems"
    exit 1
fi
