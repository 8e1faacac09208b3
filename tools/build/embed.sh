#!/bin/sh
# embed.sh FILE...: prints a C file with the bytes of the files, for tools/server/page.h.
set -eu
echo '#include "page.h"'
i=0
for file in "$@"; do
    printf 'static const unsigned char file_%d[] = {' $i
    od -An -v -tu1 "$file" | sed 's/[0-9][0-9]*/&,/g'
    echo '0};' # an empty file is an array, too
    i=$((i + 1))
done
echo 'const page_file page_files[] = {'
i=0
for file in "$@"; do
    printf '    {"%s", file_%d, sizeof file_%d - 1},\n' "$(basename "$file")" $i $i
    i=$((i + 1))
done
echo '    {0, 0, 0}};'
echo 'const size_t n_page_files = sizeof page_files / sizeof *page_files - 1;'
