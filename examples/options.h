/* Options of the examples: getopt_long, which would take "--mo" for "--model" if this did not refuse it. */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* The next option's `val`, -1 after the last one, '?' for a wrong one, which getopt_long names on stderr. */
static int next_option(int argc, char **argv, const struct option *options) {
    int which = -1;
    const int c = getopt_long(argc, argv, "h", options, &which);
    if (which < 0 || c == '?') return c;
    const char *name = argv[optind - 1];
    if (options[which].has_arg && optarg == name) name = argv[optind - 2];
    if (strcspn(name + 2, "=") == strlen(options[which].name)) return c;
    fprintf(stderr, "%s: unrecognized option '%s'\n", argv[0], name);
    return '?';
}

#endif
