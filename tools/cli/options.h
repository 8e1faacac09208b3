/* The options that commands share, for options.c and help.c. */
#ifndef TOOLS_CLI_OPTIONS_H
#define TOOLS_CLI_OPTIONS_H

#include "cli.h"

typedef struct cli_common_option {
    cli_option option; /* of cli_common */
    unsigned group;    /* CLI_TAKES_*; 0: every command */
} cli_common_option;

extern const cli_common_option cli_common_options[];
extern const size_t cli_n_common_options;

#endif
