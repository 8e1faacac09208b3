#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int show_progress(void *user, float done) {
    (void)user;
    fprintf(stderr, done < 1 ? "\rloading %3.0f %%" : "\r              \r", (double)done * 100);
    return 0;
}

static void show_log(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) fprintf(stderr, "llmcs: %s\n", message);
}

llmcs_status cli_open(const cli_common *common, llmcs_model **model) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = common->n_threads;
    options.load_mode = common->mmap ? LLMCS_LOAD_MMAP : LLMCS_LOAD_COPY;
    options.backend = (llmcs_backend)cli_position(cli_backend_names, common->backend);
    options.weights = (llmcs_weights)cli_position(cli_weights_names, common->weights);
    options.kv_type = (llmcs_kv_type)cli_position(cli_kv_type_names, common->kv_type);
    options.log = show_log;
    if (isatty(STDERR_FILENO)) options.progress = show_progress;
    llmcs_status status = llmcs_model_open(common->folder, &options, model);
    if (options.progress) show_progress(NULL, 1);
    return status;
}

int cli_failed(const char *doing) {
    fflush(stdout);
    fprintf(stderr, "llmcs: %s: %s\n", doing, llmcs_error_message());
    return EXIT_FAILED;
}

char *cli_read_stdin(size_t *len) {
    size_t used = 0, room = 1 << 16;
    char *data = malloc(room);
    while (data) {
        used += fread(data + used, 1, room - used - 1, stdin);
        if (used < room - 1) break;
        room *= 2;
        char *more = realloc(data, room);
        if (!more) free(data);
        data = more;
    }
    if (!data || ferror(stdin)) {
        perror("llmcs: stdin");
        free(data);
        return NULL;
    }
    data[used] = 0;
    *len = used;
    return data;
}

char *cli_text(const cli_common *common, size_t *len) {
    if (!common->n_texts) {
        char *text = cli_read_stdin(len);
        if (text && *len && text[*len - 1] == '\n') text[--*len] = 0;
        return text;
    }
    size_t n = 0;
    for (int i = 0; i < common->n_texts; i++) n += strlen(common->texts[i]) + 1;
    char *text = malloc(n);
    if (!text) return NULL;
    *len = 0;
    for (int i = 0; i < common->n_texts; i++) {
        size_t k = strlen(common->texts[i]);
        if (i) text[(*len)++] = ' ';
        memcpy(text + *len, common->texts[i], k);
        *len += k;
    }
    text[*len] = 0;
    return text;
}

int cli_each_text(const cli_common *common, int (*each)(void *user, const char *text, size_t len), void *user) {
    int code = EXIT_OK;
    for (int i = 0; i < common->n_texts && code == EXIT_OK; i++)
        code = each(user, common->texts[i], strlen(common->texts[i]));
    if (common->n_texts) return code;
    char *line = NULL;
    size_t room = 0, done = 0;
    ssize_t n;
    bool progress = isatty(STDERR_FILENO) && !isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO);
    while (code == EXIT_OK && (n = getline(&line, &room, stdin)) >= 0) {
        size_t len = (size_t)n;
        if (len && line[len - 1] == '\n') line[--len] = 0;
        code = each(user, line, len);
        if (progress && ++done % 16 == 0) fprintf(stderr, "\r%zu texts", done);
    }
    if (progress) fprintf(stderr, "\r%zu texts\n", done);
    free(line);
    return code;
}
