/*
 * A C++ host whose callbacks throw. The exception has to reach the caller of llmcs_generate or llmcs_generate_ids, and
 * the session has to be as usable afterwards as if the callback had asked to stop.
 *
 * usage: exceptions GPT2_FOLDER      prints "ok", or what went wrong
 */
#include <llmcs.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace {

const int32_t prompt[] = {34, 82, 83, 69, 25};
constexpr size_t n_prompt = sizeof prompt / sizeof *prompt;

void fail(const char *what) {
    std::fprintf(stderr, "exceptions: %s (%s)\n", what, llmcs_error_message());
    std::exit(1);
}

/* Lets *user calls pass, then throws. */
void count_down(void *user) {
    int *left = static_cast<int *>(user);
    if ((*left)-- == 0) throw std::runtime_error("from a callback");
}

int throwing_text(void *user, const char *, size_t) {
    count_down(user);
    return 0;
}

int throwing_token(void *user, int32_t) {
    count_down(user);
    return 0;
}

/* How many tokens a call without callbacks gives: what the session has to give after every exception, too. */
size_t undisturbed(llmcs_session *session) {
    llmcs_result *result = nullptr;
    if (llmcs_generate_ids(session, prompt, n_prompt, nullptr, nullptr, nullptr, &result))
        fail("the session cannot be used");
    const size_t n = result->n_new_tokens;
    llmcs_result_free(&result);
    return n;
}

template <typename Call>
void throw_through(const char *name, Call call) {
    for (int left = 0; left < 3; left++) {
        int count = left;
        bool caught = false;
        llmcs_result *result = nullptr;
        try {
            call(&count, &result);
        } catch (const std::runtime_error &) {
            caught = true;
        }
        if (!caught) fail(name);
        if (result) fail("a result was handed out though the call threw");
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: exceptions GPT2_FOLDER\n"), 2;
    llmcs_model *model = nullptr;
    llmcs_session *session = nullptr;
    if (llmcs_model_open(argv[1], nullptr, &model)) fail("llmcs_model_open");
    if (llmcs_session_create(model, nullptr, &session)) fail("llmcs_session_create");
    const size_t expected = undisturbed(session);

    throw_through("llmcs_generate returned instead of throwing", [&](int *count, llmcs_result **result) {
        llmcs_generate(session, "User: hi\nBot:", LLMCS_NUL, nullptr, throwing_text, count, result);
    });
    if (undisturbed(session) != expected) fail("another answer after llmcs_generate threw");
    throw_through("llmcs_generate_ids returned instead of throwing", [&](int *count, llmcs_result **result) {
        llmcs_generate_ids(session, prompt, n_prompt, nullptr, throwing_token, count, result);
    });
    if (undisturbed(session) != expected) fail("another answer after llmcs_generate_ids threw");

    llmcs_session_free(&session);
    llmcs_model_free(&model);
    std::puts("ok");
    return 0;
}
