/* What a model folder holds and its settings, as JSON: for `llmcs info` and `llmcs check`. */
#ifndef TOOLS_LLMCS_REPORT_H
#define TOOLS_LLMCS_REPORT_H

#include "request.h"

/* model_type, sizes, labels, kernels. */
bool report_model(json_t *to, const llmcs_model *model);
/* "model_bytes", "peak_bytes", "session_bytes". */
bool report_memory(json_t *to, const cli_common *common);
/* {"generation_config.json": {"do_sample": true, ...}, ...}: what the folder's files ask for, applied or not. */
json_t *report_settings(const char *folder);
/* {"max_new_tokens": 160, ...}: generation defaults that are not the library's own. */
json_t *report_generation(const llmcs_model *model);
/* The lines of one level. */
json_t *report_log(const cli_log *log, llmcs_log_level level);

/* "title          one line for each member" */
void report_print_list(const char *title, const json_t *list, const char *empty);
void report_print_settings(const char *title, const json_t *settings, const char *empty);
enum { REPORT_COLUMN = 15 };

#endif
