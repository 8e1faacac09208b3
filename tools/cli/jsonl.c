/* --jsonl for commands that answer each line before reading the next. */
#include "request.h"

llmcs_status request_too_long(const cli_lines *lines) {
    return request_error(LLMCS_LIMIT, "the line is longer than --max-line-bytes (%zu)", lines->max_bytes);
}

static bool answer_line(const cli_lines *lines, jsonl_handler handler, void *user, bool *failed) {
    cli_request request = {0};
    cli_answer answer;
    answer_init(&answer);
    llmcs_status status = lines->too_long ? request_too_long(lines) : request_parse(lines->line, lines->len, &request);
    if (!status) status = handler(user, request.json, &answer);
    if (!status && answer.failed) status = request_error(LLMCS_NOMEM, "no memory for the answer");
    const bool printed = status ? answer_print_error(status, request_message(), lines->number, request.id)
                                : answer_print(&answer, request.id);
    *failed = *failed || status;
    answer_free(&answer);
    request_free(&request);
    return printed;
}

int cli_jsonl(const cli_common *common, jsonl_handler handler, void *user) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    bool failed = false, printed = true;
    while (printed && cli_next_line(&lines)) printed = answer_line(&lines, handler, user, &failed);
    failed = failed || lines.failed || !printed;
    cli_lines_free(&lines);
    return failed ? EXIT_FAILED : EXIT_DONE;
}
