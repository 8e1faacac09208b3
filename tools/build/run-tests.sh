#!/bin/sh
# run-tests.sh TEST...: runs test programs and scripts, as many at a time as there are processors (TEST_JOBS), prints a
# line for each as it ends, and adds up. Each says, last,
#     NAME: N passed, N failed, N skipped
# or, a Python script, what unittest says. One that ends without (a crash, a hang) counts as one failure.
# RUN_WITH goes before programs; BUILD is the folder with lib/ and bin/. No test may rely on having the machine to itself.
set -u

# What xargs below calls for each: run-tests.sh --one FOLDER TEST leaves what TEST prints in a file of FOLDER's.
# shellcheck disable=SC2086 # RUN_WITH is a command and its arguments
if [ "${1-}" = --one ]; then
    start=$(date +%s)
    output=$(mktemp "$2/XXXXXX")
    case $3 in
        *.sh) with='sh' ;;
        *.py) with='python3' ;;
        *) with=${RUN_WITH-} ;;
    esac
    timeout -k 5 "${TEST_LIMIT_S:-600}" $with "$3" >"$output" 2>&1
    echo "$3 $? $(($(date +%s) - start)) $output"
    exit 0
fi

build=$(cd "${BUILD:-build}" && pwd)
export LLMCS_BIN="$build/bin" LLMCS_LIBRARY="$build/lib/libllmcs.so"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Prints "passed failed skipped", or nothing. unittest: "Ran 9 tests in 1.2s", then "OK (skipped=1)" or
# "FAILED (failures=1, errors=2, skipped=1)".
counts() {
    awk '
        /: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { line = $(NF - 5) " " $(NF - 3) " " $(NF - 1) }
        /^Ran [0-9]+ tests? in / { ran = $2; python = 1 }
        python && /^(OK|FAILED)/ {
            gsub(/[(),]/, " "); bad = 0; skip = 0
            for (i = 2; i <= NF; i++) { split($i, kv, "="); if (kv[1] == "skipped") skip = kv[2]; else bad += kv[2] }
            line = (ran - bad - skip) " " bad " " skip
        }
        END { print line }' "$1"
}

# Lines "TEST CODE SECONDS OUTPUT" to what is printed. Fails if a test did, or if there was none.
report() {
    passed=0 failed=0 skipped=0
    while read -r test code seconds output; do
        # shellcheck disable=SC2046 # three numbers
        set -- $(counts "$output")
        p=${1:-0} f=${2:-1} s=${3:-0}
        if [ $# != 3 ] || { [ "$code" != 0 ] && [ "$f" = 0 ]; }; then
            echo "$test: ended with code $code and did not say what failed" >>"$output"
            p=0 f=1 s=0
        fi
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        verdict=ok
        [ "$f" = 0 ] || verdict=FAIL
        name=${test#"${BUILD:-build}"/}
        printf '%-4s %-34s %4d passed %3d failed %3d skipped %4d s\n' "$verdict" "${name#tests/}" "$p" "$f" "$s" "$seconds"
        if [ "$f" = 0 ]; then grep '^SKIPPED' "$output" | sed 's/^/       /'; else sed 's/^/       /' "$output"; fi
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}

printf '%s\n' "$@" | xargs -n 1 -P "${TEST_JOBS:-$(nproc)}" "$0" --one "$folder" | report
