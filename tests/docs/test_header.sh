#!/bin/sh
# llmcs.h and its parts compile by themselves in every dialect a host may use, the example in the first comment compiles
# and runs against the shared and the static library, and the versions agree.
set -u

build=$(dirname "$LLMCS_BIN")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# check NAME COMMAND...: the command must succeed
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "$name failed: $*"
        cat "$work/log"
    fi
}

strict='-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Iinclude -fsyntax-only'
printf '#include "llmcs.h"\n#include "llmcs.h"\nint probe(void);\nint probe(void) { return (int)LLMCS_OK; }\n' >"$work/probe.c"
# Each part before the whole.
{
    grep '^#include "llmcs_' include/llmcs.h
    printf '#include "llmcs.h"\nint part(void);\nint part(void) { return (int)sizeof(llmcs_engine_options); }\n'
} >"$work/part.c"
grep -q llmcs_engine.h "$work/part.c" || { echo 'the parts of llmcs.h were not found'; failed=$((failed + 1)); }
for name in probe part; do cp "$work/$name.c" "$work/$name.cc"; done
for compiler in gcc clang; do
    for std in c99 c11 c17 c++11 c++17 c++20; do
        case $std in c++*) lang=c++ cc="$(echo $compiler | sed 's/gcc/g++/; s/clang/clang++/')" end=cc ;;
            *) lang=c cc=$compiler end=c ;;
        esac
        if command -v "$cc" >/dev/null; then
            # shellcheck disable=SC2086 # flags
            check "$cc -std=$std" "$cc" -x $lang -std=$std $strict "$work/probe.$end" "$work/part.$end"
        else
            echo "SKIPPED llmcs.h with $cc -std=$std: there is no $cc"
            skipped=$((skipped + 1))
        fi
    done
done

# The example: the lines of the first comment that are indented by four spaces or more, up to "Rules".
{
    printf '#include <llmcs.h>\n#include <stdio.h>\nint main(void) {\n'
    sed -n '1,/Rules that hold/p' include/llmcs.h | sed -n 's/^ \*     //p'
    printf 'return 0;\n}\n'
} >"$work/example.c"
grep -q llmcs_generate "$work/example.c" || { echo 'the example of llmcs.h was not found'; failed=$((failed + 1)); }
run_example() { # without a folder called gpt2 it says so
    (cd "$work" && ! LD_LIBRARY_PATH="$build/lib" "$1") && grep -q 'gpt2' "$work/log"
}
check 'the example of llmcs.h, shared' gcc -std=c11 -Wall -Wextra -Werror -Iinclude "$work/example.c" \
    -o "$work/shared" -L"$build/lib" -lllmcs
check 'the example of llmcs.h, static' gcc -std=c11 -Wall -Wextra -Werror -Iinclude "$work/example.c" \
    -o "$work/static" "$build/lib/libllmcs.a" -lutf8proc -lm -ldl -lpthread
for kind in shared static; do
    if [ -x "$work/$kind" ]; then check "running the example, $kind" run_example "$work/$kind"; fi
done

# example NAME PARAMETERS CALL: standard input, which must have CALL, compiles as the body of a function with PARAMETERS.
example() {
    name=$1
    {
        printf '#include <llmcs.h>\n#include <stdio.h>\nvoid example(%s);\nvoid example(%s)\n{\n' "$2" "$2"
        sed -n 's/^ \*     //p'
        printf '}\n'
    } >"$work/$name.c"
    grep -q "$3" "$work/$name.c" || { echo "the example of $name was not found"; failed=$((failed + 1)); }
    check "the example of $name" gcc -std=c11 -Wall -Wextra -Werror -Iinclude -c "$work/$name.c" -o "$work/$name.o"
}
sed -n '/reviews of any length:/,/llmcs_classify(/p' include/llmcs.h |
    example windows 'llmcs_model *model, const llmcs_text *texts, size_t n_texts, float *scores, int32_t *labels' llmcs_classify
# The first comment of a part.
part() { sed -n '1,/^#include/p' "include/llmcs_$1.h" | example "$@"; }
part engine 'llmcs_model *model' llmcs_engine_submit
part index 'const uint64_t *ids, const float *vectors, size_t n, const float *query' llmcs_index_search
part chat 'llmcs_session *session' llmcs_chat_generate
part session 'llmcs_session *session, const int32_t *ids, size_t n_ids' llmcs_session_eval
part grammar 'llmcs_model *model, llmcs_session *session, const char *prompt' llmcs_grammar_regex
part tokenizer void llmcs_encode
part quantize void llmcs_quantize

# The example of cancellation is functions of its own.
{
    printf '#include <llmcs.h>\n#include <signal.h>\nllmcs_status answer(llmcs_session *, const char *, llmcs_generate_params *, llmcs_result **);\n'
    sed -n '/Ctrl-C ends this generation/,/^ \*\/$/p' include/llmcs.h | sed -n 's/^ \*     //p'
} >"$work/cancel.c"
grep -q 'params->cancel = ' "$work/cancel.c" || { echo 'the example of cancellation was not found'; failed=$((failed + 1)); }
for std in c99 c11; do
    check "the example of cancellation, $std" gcc -std=$std -Wall -Wextra -Wpedantic -Wconversion -Werror -Iinclude \
        -c "$work/cancel.c" -o "$work/cancel.o"
done

# The example of adapters, likewise.
{
    printf '#include <llmcs.h>\nllmcs_status example(llmcs_model *);\nllmcs_status example(llmcs_model *model)\n{\n'
    sed -n '1,/^#include/p' include/llmcs_adapter.h | sed -n 's/^ \*     //p'
    printf 'return status;\n}\n'
} >"$work/adapter.c"
grep -q llmcs_merge "$work/adapter.c" || { echo 'the example of adapters was not found'; failed=$((failed + 1)); }
check 'the example of adapters' gcc -std=c11 -Wall -Wextra -Werror -Iinclude -c "$work/adapter.c" -o "$work/adapter.o"

# Installed, pkg-config is enough.
make -s install BUILD="$build" DESTDIR="$work/root" PREFIX=/usr >"$work/install" 2>&1 || cat "$work/install"
export PKG_CONFIG_PATH="$work/root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root"
# shellcheck disable=SC2046 # flags
check 'the example with pkg-config' gcc -std=c11 "$work/example.c" -o "$work/installed" $(pkg-config --cflags --libs llmcs)
version=$(sed -n 's/^#define LLMCS_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' include/llmcs.h | paste -sd.)
check 'one version everywhere' test "$version" = "$(pkg-config --modversion llmcs)"
check 'the soname' sh -c "readelf -d '$build/lib/libllmcs.so' | grep -q 'soname: \[libllmcs.so.1\]'"

echo "docs/header: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
