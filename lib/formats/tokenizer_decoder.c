/* The decoder of tokenizer.json as a list of steps: first those that change each token separately, then ByteFallback,
 * Fuse and Strip, which work on all tokens. Any other order is refused. */
#include "base/utf8.h"
#include "formats/tokenizer_read.h"

void ll_add_decoder(ll_tokenizer_spec *spec, ll_decoder_step step) { spec->decoder[spec->n_decoder++] = step; }

static llmcs_status read_wordpiece(ll_json stage, ll_decoder_step *step) {
    *step = (ll_decoder_step){.kind = LL_DECODE_WORDPIECE, .from = {"##", 2}, .cleanup = true};
    LL_TRY(ll_spec_string(stage, "decoder", "prefix", &step->from.at, &step->from.n));
    return ll_spec_bool(stage, "decoder", "cleanup", &step->cleanup);
}

static llmcs_status read_replace(ll_json stage, ll_decoder_step *step) {
    ll_json pattern;
    *step = (ll_decoder_step){.kind = LL_DECODE_REPLACE};
    LL_TRY(ll_spec_member(stage, "decoder", "pattern", &pattern));
    LL_TRY(ll_spec_string(pattern, "decoder", "String", &step->from.at, &step->from.n));
    LL_TRY(ll_spec_string(stage, "decoder", "content", &step->to.at, &step->to.n));
    if (!step->from.at || !step->to.at) return ll_spec_fail_kind(stage, "decoder with a regular expression:");
    if (step->to.n > step->from.n && step->from.n)
        return ll_spec_fail(stage, "decoder", "Replace with a text that is longer than its pattern is not supported");
    return LLMCS_OK;
}

static llmcs_status read_count(ll_json stage, const char *key, size_t *out) {
    ll_json v;
    int64_t n = 0;
    LL_TRY(ll_spec_member(stage, "decoder", key, &v));
    if (!ll_spec_absent(v) && (!ll_json_int64(v, &n) || n < 0 || n > INT32_MAX))
        return ll_spec_fail(stage, "decoder", "\"start\" and \"stop\" are integers from 0 to 2147483647");
    *out = (size_t)n;
    return LLMCS_OK;
}

static llmcs_status read_strip(ll_json stage, ll_decoder_step *step) {
    uint32_t cp;
    *step = (ll_decoder_step){.kind = LL_DECODE_STRIP};
    LL_TRY(ll_spec_string(stage, "decoder", "content", &step->from.at, &step->from.n));
    if (!step->from.n || ll_utf8_decode(step->from.at, step->from.n, &cp) != step->from.n)
        return ll_spec_fail(stage, "decoder", "\"content\" of Strip is not one character");
    LL_TRY(read_count(stage, "start", &step->n_left));
    return read_count(stage, "stop", &step->n_right);
}

static llmcs_status read_one_decoder(ll_tokenizer_spec *spec, ll_json stage) {
    ll_json type;
    ll_decoder_step step = {0};
    LL_TRY(ll_spec_type(stage, "decoder", &type));
    if (spec->n_decoder == LL_MAX_DECODER_STEPS)
        return ll_fail(LLMCS_LIMIT, "%s: more than %d decoder steps", spec->path, LL_MAX_DECODER_STEPS);
    if (ll_json_equals(type, "ByteLevel")) {
        step.kind = LL_DECODE_BYTE_LEVEL;
    } else if (ll_json_equals(type, "WordPiece")) {
        LL_TRY(read_wordpiece(stage, &step));
    } else if (ll_json_equals(type, "Metaspace")) {
        step.kind = LL_DECODE_METASPACE;
        LL_TRY(ll_read_metaspace(stage, "decoder", &step.from, &step.prepend));
    } else if (ll_json_equals(type, "Replace")) {
        LL_TRY(read_replace(stage, &step));
    } else if (ll_json_equals(type, "Strip")) {
        LL_TRY(read_strip(stage, &step));
    } else if (ll_json_equals(type, "ByteFallback")) {
        step.kind = LL_DECODE_BYTE_FALLBACK;
    } else if (ll_json_equals(type, "Fuse")) {
        step.kind = LL_DECODE_FUSE;
    } else {
        return ll_spec_fail_kind(stage, "decoder");
    }
    ll_add_decoder(spec, step);
    return LLMCS_OK;
}

/* True if the steps are in the order of the head comment, and a Strip after Fuse strips the front only. */
static bool in_order(const ll_tokenizer_spec *spec) {
    bool bytes = false, fused = false;
    for (size_t i = 0; i < spec->n_decoder; i++) {
        const ll_decoder_step *d = &spec->decoder[i];
        const bool strip = d->kind == LL_DECODE_STRIP;
        if (d->kind == LL_DECODE_BYTE_LEVEL && spec->n_decoder > 1) return false;
        if (fused && (!strip || d->n_right || i + 1 < spec->n_decoder)) return false;
        if (bytes && d->kind != LL_DECODE_FUSE && !fused) return false;
        bytes = bytes || d->kind == LL_DECODE_BYTE_FALLBACK;
        fused = fused || d->kind == LL_DECODE_FUSE;
    }
    return true;
}

llmcs_status ll_read_decoder(ll_tokenizer_spec *spec, ll_json stage) {
    ll_json type, list;
    if (ll_spec_absent(stage)) return LLMCS_OK;
    LL_TRY(ll_spec_type(stage, "decoder", &type));
    if (!ll_json_equals(type, "Sequence")) return read_one_decoder(spec, stage);
    LL_TRY(ll_spec_sequence(stage, "decoder", "decoders", &list));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m))
        LL_TRY(read_one_decoder(spec, m));
    return in_order(spec) ? LLMCS_OK : ll_spec_fail_kind(stage, "decoder (steps in this order):");
}
