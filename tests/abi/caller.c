/*
 * A program of its own time: every function that reads or fills a struct which may grow, with each struct in a block
 * of exactly the size that the header it was compiled with knows. test_abi.py compiles it with other headers than the
 * library's. Without AddressSanitizer the blocks end where a page without access begins.
 *
 * usage: caller BERT_FOLDER GPT2_FOLDER GGUF_TO_WRITE      prints "ok", or what failed
 *        caller --lie GPT2_FOLDER      claims a longer struct than it has, which has to end it: the fence holds
 */
#define _GNU_SOURCE
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(call) check(call, #call)
#define NEW(type, n) ((type *)exactly((n) * sizeof(type)))
#define EXPECT(condition) expect(condition, #condition)

static void check(llmcs_status status, const char *call) {
    if (!status) return;
    fprintf(stderr, "caller: %s: %s: %s\n", call, llmcs_status_name(status), llmcs_error_message());
    exit(1);
}

static void expect(int holds, const char *condition) {
    if (holds) return;
    fprintf(stderr, "caller: not so: %s\n", condition);
    exit(1);
}

/* n_bytes of 0xA5, after which no byte may be touched. Aligned to 8. Never freed: the program is short. */
static void *exactly(size_t n_bytes) {
#ifdef __SANITIZE_ADDRESS__
    unsigned char *block = malloc(n_bytes);
#else
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n_pages = n_bytes / page + 2;
    unsigned char *pages = mmap(NULL, n_pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + (n_pages - 1) * page, page, PROT_NONE)) exit(2);
    unsigned char *block = pages + (n_pages - 1) * page - n_bytes;
#endif
    if (!block) exit(2);
    memset(block, 0xA5, n_bytes);
    return block;
}

static int count_tokens(void *user, int32_t id) {
    (void)id;
    ++*(int *)user;
    return 0;
}

static llmcs_model *open_model(const char *folder) {
    llmcs_model_options *options = NEW(llmcs_model_options, 1);
    llmcs_model *model = NULL;
    llmcs_model_options_init(options);
    EXPECT(options->struct_size == sizeof *options);
    EXPECT(options->n_threads == 0 && !options->allocator && options->weights == LLMCS_WEIGHTS_AUTO);
    options->n_threads = 1;
    CHECK(llmcs_model_open(folder, options, &model));

    llmcs_model_info *info = NEW(llmcs_model_info, 1);
    info->struct_size = sizeof *info;
    CHECK(llmcs_model_get_info(model, info));
    EXPECT(info->struct_size == sizeof *info && info->n_threads == 1 && !strcmp(info->weights, "f16"));
    return model;
}

static void use_encoder(llmcs_model *model) {
    enum { N = 3 };
    const llmcs_text texts[N] = {{"fits well", LLMCS_NUL, NULL, 0}, {"broken", LLMCS_NUL, NULL, 0}, {"", 0, NULL, 0}};
    llmcs_text_params *params = NEW(llmcs_text_params, 1);
    llmcs_text_info *infos = NEW(llmcs_text_info, N);
    float scores[N * 2], vectors[N * 256];
    int32_t labels[N];

    llmcs_text_params_init(params);
    EXPECT(params->struct_size == sizeof *params && params->overflow == LLMCS_OVERFLOW_TRUNCATE);
    params->overflow = LLMCS_OVERFLOW_WINDOWS;
    infos[0].struct_size = sizeof *infos;
    CHECK(llmcs_classify(model, texts, N, params, scores, labels, infos));
    EXPECT(infos[0].n_tokens == 4 && infos[2].n_tokens == 2 && infos[1].n_windows == 1 && !infos[2].truncated);
    EXPECT(labels[0] != labels[1]);
    CHECK(llmcs_embed(model, texts, N, params, vectors, infos));
    CHECK(llmcs_rerank(model, "good", LLMCS_NUL, texts, N, params, scores, infos));

    llmcs_encoder_outputs *outputs = NEW(llmcs_encoder_outputs, 1);
    const int32_t ids[] = {2, 7, 3};
    const size_t n_ids = 3;
    memset(outputs, 0, sizeof *outputs);
    outputs->struct_size = sizeof *outputs;
    outputs->logits = scores;
    CHECK(llmcs_encoder_eval(model, ids, NULL, &n_ids, 1, outputs));
#ifdef LLMCS_HEAD_QUESTION_ANSWERING /* headers since 0.3 */
    llmcs_call_limits *limits = NEW(llmcs_call_limits, 1);
    llmcs_answer_params *answers = NEW(llmcs_answer_params, 1);
    llmcs_span_result *found = NULL;
    memset(limits, 0, sizeof *limits);
    limits->struct_size = sizeof *limits;
    CHECK(llmcs_encoder_eval_within(model, ids, NULL, &n_ids, 1, limits, outputs));
    llmcs_answer_params_init(answers);
    EXPECT(answers->struct_size == sizeof *answers && answers->top_k == 1 && answers->doc_stride == -1);
    EXPECT(llmcs_answer_span(model, texts, N, answers, infos, &found) == LLMCS_NO_HEAD && !found);
    EXPECT(params->aggregation == LLMCS_AGGREGATE_SIMPLE);
    EXPECT(llmcs_tag(model, texts, N, params, infos, &found) == LLMCS_NO_HEAD && !found);
#endif
}

static void use_tokenizer(const llmcs_tokenizer *tokenizer) {
    llmcs_encode_params *params = NEW(llmcs_encode_params, 1);
    int32_t ids[8];
    size_t n = 0;
    llmcs_encode_params_init(params);
    EXPECT(params->struct_size == sizeof *params && params->flags == LLMCS_ADD_SPECIAL_TOKENS);
    params->truncation = LLMCS_TRUNCATE_ONLY_FIRST;
    params->max_length = 3;
    CHECK(llmcs_encode(tokenizer, "one two three four", LLMCS_NUL, NULL, 0, params, ids, NULL, NULL, 8, &n));
    EXPECT(n == 3);
}

static void expect_answer(llmcs_result *result, size_t n_tokens) {
    EXPECT(result->n_sequences == 2 && result->n_new_tokens == 2 * n_tokens);
    for (size_t i = 0; i < 2; i++) {
        EXPECT(result->sequences[i]->n_ids == n_tokens && result->sequences[i]->logprobs);
        EXPECT(strlen(result->sequences[i]->text) == result->sequences[i]->text_bytes);
    }
    llmcs_result_free(&result);
}

static llmcs_generate_params *two_samples(const llmcs_model *model) {
    llmcs_generate_params *params = NEW(llmcs_generate_params, 1);
    CHECK(llmcs_generate_params_init(params, NULL));
    EXPECT(params->struct_size == sizeof *params && params->max_new_tokens == 128 && params->num_beams == 1);
    CHECK(llmcs_generate_params_init(params, model));
    EXPECT(params->struct_size == sizeof *params);
    params->max_new_tokens = params->min_new_tokens = 5;
    params->do_sample = params->logprobs = 1;
    params->num_return_sequences = 2;
    return params;
}

static void use_session(llmcs_model *model) {
    llmcs_session_options *options = NEW(llmcs_session_options, 1);
    llmcs_session *session = NULL;
    llmcs_result *result = NULL;
    llmcs_session_options_init(options);
    EXPECT(options->struct_size == sizeof *options && options->n_ctx == 0);
    options->n_ctx = 64;
    CHECK(llmcs_session_create(model, options, &session));
    llmcs_generate_params *params = two_samples(model);
    CHECK(llmcs_generate(session, "User: hi\nBot:", LLMCS_NUL, params, NULL, NULL, &result));
    expect_answer(result, 5);
    llmcs_session_free(&session);
}

#if LLMCS_VERSION_MINOR >= 8
static void read_tokens(llmcs_engine *engine, llmcs_generate_params *params) {
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    llmcs_top_token *top = NEW(llmcs_top_token, 10);
    float *logprobs = NEW(float, 5);
    int32_t *ids = NEW(int32_t, 5);
    size_t n = 0;
    params->top_logprobs = 2;
    CHECK(llmcs_engine_submit(engine, "User: hi\nBot:", LLMCS_NUL, params, NULL, &request));
    CHECK(llmcs_request_wait(request, -1, &result));
    CHECK(llmcs_request_tokens(request, 0, 99, ids, logprobs, top, &n));
    const llmcs_sequence *s = result->sequences[0];
    EXPECT(n == 5 && s->n_top_logprobs == 2 && !memcmp(top, s->top_logprobs, 10 * sizeof *top));
    EXPECT(!memcmp(ids, s->ids, 5 * sizeof *ids) && !memcmp(logprobs, s->logprobs, 5 * sizeof *logprobs));
    llmcs_result_free(&result);
    llmcs_request_free(&request);
}
#endif

static void use_engine(llmcs_model *model) {
    llmcs_engine_options *options = NEW(llmcs_engine_options, 1);
    llmcs_submit_options *submit = NEW(llmcs_submit_options, 1);
    llmcs_engine_event *event = NEW(llmcs_engine_event, 1);
    llmcs_engine_stats *stats = NEW(llmcs_engine_stats, 1);
    llmcs_engine *engine = NULL;
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    int n_tokens = 0;

    llmcs_engine_options_init(options);
    EXPECT(options->struct_size == sizeof *options && options->max_batch == 64 && options->flags == 0);
    CHECK(llmcs_engine_create(model, options, &engine));
    llmcs_submit_options_init(submit);
    EXPECT(submit->struct_size == sizeof *submit && !submit->on_text && !submit->on_token && !submit->user);
    llmcs_generate_params *params = two_samples(model);
    CHECK(llmcs_engine_submit(engine, "User: hi\nBot:", LLMCS_NUL, params, submit, &request));
    CHECK(llmcs_request_wait(request, -1, &result));
    expect_answer(result, 5);
    llmcs_request_free(&request);

    submit->on_token = count_tokens;
    submit->user = &n_tokens;
    params->num_return_sequences = 1;
    CHECK(llmcs_engine_submit(engine, "User: hi\nBot:", LLMCS_NUL, params, submit, &request));
    event->struct_size = sizeof *event;
    do CHECK(llmcs_engine_next(engine, -1, event));
    while (event->request != request || !event->finished);
    EXPECT(event->struct_size == sizeof *event && event->user == &n_tokens && n_tokens == 5);
    llmcs_request_free(&request);

    stats->struct_size = sizeof *stats;
    CHECK(llmcs_engine_get_stats(engine, stats));
    EXPECT(stats->struct_size == sizeof *stats && stats->n_finished == 2 && stats->first_token_ms.n > 0);
#if LLMCS_VERSION_MINOR >= 8
    read_tokens(engine, params);
#endif
    llmcs_engine_free(&engine);
}

static void plan_and_quantize(const char *folder, const char *gguf) {
    llmcs_plan_info *plan = NEW(llmcs_plan_info, 1);
    llmcs_engine_plan_info *engine_plan = NEW(llmcs_engine_plan_info, 1);
    llmcs_quantize_params *params = NEW(llmcs_quantize_params, 1);
    plan->struct_size = sizeof *plan;
    CHECK(llmcs_plan(folder, NULL, NULL, plan));
    EXPECT(plan->struct_size == sizeof *plan && plan->peak_bytes >= plan->model_bytes && plan->session_bytes);
    engine_plan->struct_size = sizeof *engine_plan;
    CHECK(llmcs_engine_plan(folder, NULL, NULL, 100, engine_plan));
    EXPECT(engine_plan->struct_size == sizeof *engine_plan && engine_plan->n_conversations);
    llmcs_quantize_params_init(params);
    EXPECT(params->struct_size == sizeof *params && params->type == LLMCS_GGUF_Q8_0 && !params->log);
    CHECK(llmcs_quantize(folder, gguf, params));
}

static int claim_a_longer_struct(const char *folder) {
    llmcs_plan_info *plan = NEW(llmcs_plan_info, 1);
    plan->struct_size = sizeof *plan + 24;
    CHECK(llmcs_plan(folder, NULL, NULL, plan));
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--lie")) return claim_a_longer_struct(argv[2]);
    if (argc != 4) return fprintf(stderr, "usage: caller BERT_FOLDER GPT2_FOLDER GGUF_TO_WRITE\n"), 2;
    llmcs_model *bert = open_model(argv[1]), *gpt2 = open_model(argv[2]);
    use_encoder(bert);
    use_tokenizer(llmcs_model_tokenizer(bert));
    use_session(gpt2);
    use_engine(gpt2);
    plan_and_quantize(argv[2], argv[3]);
    llmcs_model_free(&bert);
    llmcs_model_free(&gpt2);
    puts("ok");
    return 0;
}
