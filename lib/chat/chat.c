/* Opening and freeing chat templates. */
#include "chat/chat.h"

#include <string.h>

#include "base/call.h"
#include "base/options.h"

#define OPTIONS_OLDEST LL_SIZE_UP_TO_POINTER(llmcs_chat_options, allocator)

void llmcs_chat_options_init_sized(llmcs_chat_options *options, size_t struct_size) {
    const llmcs_chat_options defaults = {.struct_size = sizeof defaults};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

static llmcs_status read_options(const llmcs_chat_options *options, llmcs_chat_options *o) {
    llmcs_chat_options_init(o);
    if (options) LL_TRY(ll_options_in(o, sizeof *o, OPTIONS_OLDEST, options, "llmcs_chat_options"));
    if (o->allocator && (!o->allocator->alloc || !o->allocator->free))
        return ll_fail(LLMCS_ARG, "llmcs_chat_options: the allocator lacks a function");
    return LLMCS_OK;
}

llmcs_status ll_chat_check(const llmcs_chat *chat) {
    if (!chat) return ll_fail(LLMCS_ARG, "the chat template is NULL");
    return chat->magic == LL_CHAT_MAGIC ? LLMCS_OK : ll_fail(LLMCS_STATE, "the chat template was freed");
}

static void destroy(llmcs_chat *chat) {
    const llmcs_allocator a = chat->allocator;
    for (size_t i = 0; i < chat->n_programs; i++) ll_program_free(&chat->programs[i]);
    ll_chat_files_free(&chat->files);
    chat->magic = 0;
    ll_free(&a, chat);
}

static llmcs_status create(const llmcs_allocator *a, llmcs_chat **chat) {
    LL_TRY(ll_alloc_zero(a, 1, sizeof **chat, "chat template", chat));
    (*chat)->allocator = *a;
    (*chat)->magic = LL_CHAT_MAGIC;
    return LLMCS_OK;
}

static llmcs_status add_program(llmcs_chat *chat, const char *name, const char *file, const char *text, size_t n) {
    LL_TRY(ll_program_compile(&chat->programs[chat->n_programs], &chat->allocator, file, text, n));
    chat->names[chat->n_programs++] = name;
    return LLMCS_OK;
}

/* Compiles all templates, or only the one with the wanted name. */
static llmcs_status compile_all(llmcs_chat *chat, const char *path, const char *wanted) {
    const ll_chat_files *f = &chat->files;
    for (size_t i = 0; i < f->n_templates; i++) {
        const ll_chat_template *t = &f->templates[i];
        if (wanted && strcmp(wanted, t->name) != 0) continue;
        LL_TRY(add_program(chat, t->name, t->file, t->text, t->n));
    }
    chat->chosen = wanted != NULL;
    if (chat->n_programs) return LLMCS_OK;
    if (f->n_templates) return ll_fail(LLMCS_TEMPLATE, "%s: no chat template has the name \"%s\"", path, wanted);
    return ll_fail(LLMCS_TEMPLATE,
                   "%s: no chat template: neither chat_template.jinja nor tokenizer_config.json's chat_template", path);
}

static llmcs_status open_source(llmcs_chat *chat, const char *path, const llmcs_chat_options *o) {
    ll_source source;
    LL_TRY(ll_source_open(&source, &chat->allocator, path, LLMCS_LOAD_COPY));
    llmcs_status status = ll_chat_files_read(&chat->files, &chat->allocator, &source, o->template_name);
    ll_source_close(&source);
    return status ? status : compile_all(chat, path, o->template_name);
}

llmcs_status llmcs_chat_open(const char *path, const llmcs_chat_options *options, llmcs_chat **chat) {
    LL_PUBLIC_CALL;
    llmcs_chat_options o;
    llmcs_chat *c = NULL;
    if (chat) *chat = NULL;
    if (!path || !chat) return ll_fail(LLMCS_ARG, "llmcs_chat_open: path or chat is NULL");
    LL_TRY(read_options(options, &o));
    const llmcs_allocator a = ll_allocator_or_default(o.allocator);
    LL_TRY(create(&a, &c));
    const llmcs_status status = open_source(c, path, &o);
    if (status)
        destroy(c);
    else
        *chat = c;
    return status;
}

llmcs_status llmcs_chat_open_text(const char *source, size_t source_bytes, const char *name,
                                  const llmcs_chat_options *options, llmcs_chat **chat) {
    LL_PUBLIC_CALL;
    llmcs_chat_options o;
    llmcs_chat *c = NULL;
    if (chat) *chat = NULL;
    if (!chat || (!source && source_bytes)) return ll_fail(LLMCS_ARG, "llmcs_chat_open_text: source or chat is NULL");
    if (source_bytes == LLMCS_NUL) source_bytes = strlen(source);
    LL_TRY(read_options(options, &o));
    const llmcs_allocator a = ll_allocator_or_default(o.allocator);
    LL_TRY(create(&a, &c));
    c->chosen = true;
    const llmcs_status status =
        add_program(c, "default", name ? name : "chat template", source ? source : "", source_bytes);
    if (status)
        destroy(c);
    else
        *chat = c;
    return status;
}

void llmcs_chat_free(llmcs_chat **chat) {
    if (!chat || !*chat) return;
    if ((*chat)->magic == LL_CHAT_MAGIC) destroy(*chat);
    *chat = NULL;
}
