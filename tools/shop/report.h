/* Shared by forget and retention: the report, and the role and actor of the call. */
#ifndef TOOLS_SHOP_REPORT_H
#define TOOLS_SHOP_REPORT_H

#include "commands.h"

typedef struct report_job {
    int32_t role; /* position in report_roles */
    const char *actor;
} report_job;

extern const char *const report_roles[];
#define REPORT_OPTIONS(job)                                                                                  \
    CLI_CHOICE("role", offsetof(job, by.role), "role of the person who does it [supervisor]", report_roles), \
        CLI_PLAIN("actor", CLI_STRING, offsetof(job, by.actor), "id of the person who does it, for the audit [llmcs]")

void report_params(const report_job *j, llmcs_shop_forget_params *params);
/* Frees the report. */
void report_print(const char *what, llmcs_shop_forgotten **report);

#endif
