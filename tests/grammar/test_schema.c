/* JSON schemas as byte automata: what they contain, what is refused, and that random texts of random schemas parse and
 * satisfy them, as far as the checker below goes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "formats/json.h"
#include "grammar_case.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static llmcs_allocator allocator;

static void check(const char *schema, const char *const *in, const char *const *out) {
    compiled c;
    allocator = ll_allocator_default();
    ck_assert_msg(!compile_grammar(&c, &allocator, NULL, schema), "%s: %s", schema, llmcs_error_message());
    for (; *in; in++) ck_assert_msg(contains(&c, *in), "%s lacks %s", schema, *in);
    for (; *out; out++) ck_assert_msg(!contains(&c, *out), "%s has %s", schema, *out);
    free_grammar(&c);
}

START_TEST(types_and_values) {
    check("{\"type\":\"boolean\"}", LIST("true", "false"), LIST("null", "tru", "1"));
    check("{\"type\":[\"null\",\"integer\"]}", LIST("null", "0", "-17"), LIST("01", "1.5", "-", "\"\""));
    check("{\"type\":\"number\"}", LIST("0.5", "-1e9", "12"), LIST(".5", "1.", "+1", "1e"));
    check("{\"enum\":[1,\"a\\\"b\",{\"x\":[1, 2]}]}", LIST("1", "\"a\\\"b\"", "{\"x\":[1,2]}", "{\"x\": [1, 2]}"),
          LIST("2", "{\"x\":[1]}"));
    check("{\"const\":\"\\u00e9\\n\"}", LIST("\"é\\n\""), LIST("\"e\\n\"", "\"é\n\""));
    check("{}", LIST("{\"a\": [1, {}, []]}", "\"x\"", "null", "[[[[]]]]"), LIST("", "{", "{a:1}", "[1,]"));
    check("true", LIST("1"), LIST(""));
}
END_TEST

START_TEST(strings) {
    check("{\"type\":\"string\"}", LIST("\"\"", "\"a\\\"\\\\\\n\\u0001é\""),
          LIST("\"\n\"", "\"\\x\"", "\"", "\"a\"b", "\"\xc3\""));
    check("{\"minLength\":2,\"maxLength\":3}", LIST("\"ab\"", "\"é\\n漢\""), LIST("\"a\"", "\"abcd\""));
    check("{\"pattern\":\"^[a-c]+\\\"$\"}", LIST("\"ab\\\"\""), LIST("\"ab\"", "\"ab\"\"", "\"d\\\"\""));
    check("{\"pattern\":\"b\"}", LIST("\"abc\"", "\"b\"", "\"\\nb\""), LIST("\"ac\""));
    check("{\"format\":\"date\"}", LIST("\"2024-02-28\"", "\"1999-12-31\""),
          LIST("\"2024-02-30\"", "\"2024-13-01\"", "\"24-01-01\"", "\"2024-04-31\""));
    check("{\"format\":\"date-time\"}", LIST("\"2024-02-28T23:59:59Z\"", "\"2024-02-28T00:00:00.5+01:00\""),
          LIST("\"2024-02-28\"", "\"2024-02-28T24:00:00Z\""));
    check("{\"format\":\"uuid\"}", LIST("\"01234567-89ab-cdef-0123-456789abcdef\""), LIST("\"0\""));
    check("{\"format\":\"email\"}", LIST("\"a.b@c.de\""), LIST("\"a@b\"", "\"@b.cd\""));
}
END_TEST

START_TEST(integer_ranges_are_exact) {
    static const int64_t ranges[][2] = {{0, 0}, {0, 9}, {5, 123}, {-7, 12}, {-130, -8}, {99, 101}, {-1, 0}, {1, 1000}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char schema[120], text[32];
        compiled c;
        allocator = ll_allocator_default();
        snprintf(schema, sizeof schema, "{\"type\":\"integer\",\"minimum\":%lld,\"exclusiveMaximum\":%lld}",
                 (long long)ranges[i][0], (long long)ranges[i][1] + 1);
        ck_assert_int_eq(compile_grammar(&c, &allocator, NULL, schema), LLMCS_OK);
        for (int64_t x = -1500; x <= 1500; x++) {
            snprintf(text, sizeof text, "%lld", (long long)x);
            ck_assert_msg(contains(&c, text) == (x >= ranges[i][0] && x <= ranges[i][1]), "%s: %s", schema, text);
        }
        free_grammar(&c);
    }
    check("{\"type\":\"number\",\"minimum\":-1,\"maximum\":2}", LIST("-1", "-0.5", "0", "1.99", "2", "2.0"),
          LIST("-1.5", "2.5", "3", "-2"));
    check("{\"minimum\":3}", LIST("3", "3.5", "10", "123456"), LIST("2", "2.9", "-3"));
}
END_TEST

START_TEST(objects_and_arrays) {
    const char *const person =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"const\":1},\"c\":{\"const\":2}},"
        "\"required\":[\"b\"]}";
    check(person, LIST("{\"b\":1}", "{\"a\":null,\"b\":1}", "{\"b\": 1, \"c\": 2}", "{\"a\":null,\"b\":1,\"c\":2}"),
          LIST("{}", "{\"a\":null}", "{\"a\":null,\"c\":2}", "{\"b\":1,}", "{,\"b\":1}", "{\"b\":1,\"d\":1}",
               "{\"c\":2,\"b\":1}"));
    check("{\"properties\":{\"a\":{}}}", LIST("{}", "{\"a\":[]}"), LIST("{\"b\":1}"));
    check("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"null\"}}",
          LIST("{}", "{\"x\":null}", "{\"x\":null, \"y\": null}"), LIST("{\"x\":1}"));
    check("{\"type\":\"object\",\"additionalProperties\":false}", LIST("{}"), LIST("{\"x\":1}"));
    check("{\"type\":\"array\",\"items\":{\"const\":1},\"minItems\":1,\"maxItems\":3}",
          LIST("[1]", "[1,1]", "[1, 1, 1]"), LIST("[]", "[1,1,1,1]", "[2]", "[1,]"));
    check("{\"items\":{\"const\":1}}", LIST("[]", "[1,1,1,1,1]"), LIST("[2]"));
    check("{\"type\":\"array\",\"maxItems\":0}", LIST("[]"), LIST("[1]"));
    check(
        "{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"properties\":{\"b\":{\"const\":2}},"
        "\"required\":[\"a\",\"b\"]}]}",
        LIST("{\"a\":1,\"b\":2}"), LIST("{\"a\":1}", "{}"));
    check("{\"oneOf\":[{\"const\":1},{\"type\":\"null\"}]}", LIST("1", "null"), LIST("2"));
}
END_TEST

START_TEST(references_may_recurse) {
    const char *const tree =
        "{\"$ref\":\"#/$defs/tree\",\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":"
        "\"integer\"},\"next\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/tree\"}]}},\"required\":[\"v\","
        "\"next\"]}}}";
    check(tree, LIST("{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}"),
          LIST("{\"v\":1}", "{\"v\":1,\"next\":{\"v\":2}}", "null"));
    check("{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", LIST("[]", "[[],[[]]]"), LIST("[1]", "[[]"));
    /* deeper than 64 levels of rules is outside, and no text leads there that could not be completed */
    compiled c;
    allocator = ll_allocator_default();
    ck_assert_int_eq(compile_grammar(&c, &allocator, NULL, "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}"),
                     LLMCS_OK);
    uint32_t at = c.automaton.start;
    size_t depth = 0;
    for (uint32_t next; !ll_automaton_step(&c.automaton, at, '[', &next) && next != LL_CONFIG_DEAD; depth++) at = next;
    ck_assert_uint_ge(depth, 32);
    ck_assert_uint_le(depth, 66);
    for (size_t i = 0; i < depth; i++) ck_assert_int_eq(ll_automaton_step(&c.automaton, at, ']', &at), LLMCS_OK);
    ck_assert(ll_automaton_accepts(&c.automaton, at));
    free_grammar(&c);
}
END_TEST

/* Keys of any length are found by their whole text. */
START_TEST(references_name_whole_keys) {
    char key[301], schema[1000];
    memset(key, 'k', 300);
    key[300] = 0;
    snprintf(schema, sizeof schema, "{\"$ref\":\"#/$defs/%s\",\"$defs\":{\"%.255s\":true,\"%s\":{\"type\":\"null\"}}}",
             key, key, key);
    check(schema, LIST("null"), LIST("1", "true"));
    check("{\"$ref\":\"#/$defs/a~1b~0\",\"$defs\":{\"a/b~\":{\"type\":\"null\"}}}", LIST("null"), LIST("1"));
}
END_TEST

/* A schema of 100 KB whose rules depend on each other one after the other, each behind thousands of alternatives. */
START_TEST(many_alternatives_are_compiled_in_linear_time) {
    enum { ALTERNATIVES = 5000, RULES = 40 };
    const size_t size = 20 * ALTERNATIVES + 100 * RULES + 200;
    char *schema = malloc(size);
    compiled c;
    ck_assert_ptr_nonnull(schema);
    size_t n = (size_t)snprintf(schema, size, "{\"anyOf\":[{\"$ref\":\"#/$defs/r0\"}");
    for (int i = 0; i < ALTERNATIVES; i++) n += (size_t)snprintf(schema + n, size - n, ",{\"type\":\"null\"}");
    n += (size_t)snprintf(schema + n, size - n, "],\"$defs\":{\"r%d\":{\"type\":\"null\"}", RULES);
    for (int i = 0; i < RULES; i++)
        n += (size_t)snprintf(schema + n, size - n,
                              ",\"r%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/r%d\"},{\"type\":\"null\"}]}", i, i + 1);
    snprintf(schema + n, size - n, "}}");
    allocator = ll_allocator_default();
    const clock_t begin = clock();
    ck_assert_msg(!compile_grammar(&c, &allocator, NULL, schema), "%s", llmcs_error_message());
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    ck_assert_msg(seconds < (suite_emulated(NULL) || suite_sanitized() ? 60 : 3), "%.1f s", seconds);
    ck_assert(contains(&c, "null"));
    free_grammar(&c);
    free(schema);
}
END_TEST

START_TEST(what_is_not_supported_is_refused_by_name) {
    static const struct {
        const char *schema;
        llmcs_status status;
        const char *part;
    } cases[] = {
        {"{\"properties\":{\"a/b\":{\"not\":{}}}}", LLMCS_UNSUPPORTED, "#/properties/a~1b/not"},
        {"{\"items\":{\"anyOf\":[{},{\"if\":{}}]}}", LLMCS_UNSUPPORTED, "#/items/anyOf/1/if"},
        {"{\"patternProperties\":{}}", LLMCS_UNSUPPORTED, "#/patternProperties"},
        {"{\"multipleOf\":2}", LLMCS_UNSUPPORTED, "#/multipleOf"},
        {"{\"format\":\"ipv4\"}", LLMCS_UNSUPPORTED, "#/format"},
        {"{\"type\":\"number\",\"minimum\":0.5}", LLMCS_UNSUPPORTED, "#/minimum"},
        {"{\"type\":\"number\",\"exclusiveMinimum\":1}", LLMCS_UNSUPPORTED, "#/exclusiveMinimum"},
        {"{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", LLMCS_ARG, "bounds"},
        {"{\"type\":\"thing\"}", LLMCS_ARG, "#/type"},
        {"{\"required\":[\"x\"]}", LLMCS_UNSUPPORTED, "#/required/0"},
        {"{\"minLength\":3,\"maxLength\":2}", LLMCS_ARG, "#/maxLength"},
        {"{\"minItems\":3,\"maxItems\":2}", LLMCS_ARG, "#/maxItems"},
        {"{\"minLength\":-1}", LLMCS_ARG, "#/minLength"},
        {"{\"maxLength\":100000000}", LLMCS_LIMIT, "#/maxLength"},
        {"{\"pattern\":\"(?=a)\"}", LLMCS_UNSUPPORTED, "(?"},
        {"{\"pattern\":\"a\",\"minLength\":2}", LLMCS_UNSUPPORTED, "#/pattern"},
        {"{\"enum\":[]}", LLMCS_ARG, "#/enum"},
        {"{\"enum\":[1],\"type\":\"string\"}", LLMCS_ARG, "#/enum"},
        {"{\"anyOf\":[]}", LLMCS_ARG, "#/anyOf"},
        {"{\"$ref\":\"#/nowhere\"}", LLMCS_ARG, "#/$ref"},
        {"{\"$ref\":\"http://x\"}", LLMCS_UNSUPPORTED, "#/$ref"},
        {"{\"$ref\":\"#\"}", LLMCS_LIMIT, "$ref"},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", LLMCS_ARG, "begins with itself"},
        {"{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", LLMCS_ARG, "no text satisfies"},
        {"{\"allOf\":[{\"minimum\":1},{\"minimum\":2}]}", LLMCS_UNSUPPORTED, "twice"},
        {"{\"allOf\":[{\"properties\":{\"a\":{}}},{\"properties\":{\"a\":{}}}]}", LLMCS_UNSUPPORTED, "twice"},
        {"false", LLMCS_ARG, "no value"},
        {"[]", LLMCS_ARG, "object"},
        {"{", LLMCS_JSON, "JSON schema"},
    };
    allocator = ll_allocator_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        compiled c;
        const llmcs_status status = compile_grammar(&c, &allocator, NULL, cases[i].schema);
        ck_assert_msg(status == cases[i].status, "%s: %s: %s", cases[i].schema, llmcs_status_name(status),
                      llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].part) != NULL, "%s: %s", cases[i].schema,
                      llmcs_error_message());
    }
}
END_TEST

/* ---- random texts of random schemas */

static const char *name_of(ll_json v) {
    int64_t n;
    switch (ll_json_get_type(v)) {
        case LL_JSON_NULL:
            return "null";
        case LL_JSON_BOOL:
            return "boolean";
        case LL_JSON_NUMBER:
            return ll_json_int64(v, &n) ? "integer" : "number";
        case LL_JSON_STRING:
            return "string";
        case LL_JSON_ARRAY:
            return "array";
        case LL_JSON_OBJECT:
            return "object";
        case LL_JSON_MISSING:
            break;
    }
    return "nothing";
}

static bool is_named(ll_json v, const char *name) {
    return ll_json_equals(v, name) || (!strcmp(name, "integer") && ll_json_equals(v, "number"));
}

static bool has_type(ll_json schema, ll_json v) {
    const ll_json type = ll_json_get(schema, "type");
    if (!ll_json_get_type(type)) return true;
    if (ll_json_get_type(type) == LL_JSON_STRING) return is_named(type, name_of(v));
    for (ll_json e = ll_json_first(type); ll_json_get_type(e); e = ll_json_next(e))
        if (is_named(e, name_of(v))) return true;
    return false;
}

static bool within(ll_json schema, const char *least, const char *most, double x) {
    double bound;
    if (ll_json_double(ll_json_get(schema, least), &bound) && x < bound) return false;
    return !ll_json_double(ll_json_get(schema, most), &bound) || x <= bound;
}

static double length_of(ll_json v) {
    size_t n, count = 0;
    const char *text = ll_json_string(v, &n);
    for (size_t i = 0; i < n; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return (double)count;
}

typedef struct pair {
    ll_json schema, value;
} pair;

/* Type, ranges, lengths, required members, and so on inside; not the branches of anyOf, enum and patterns. */
static bool satisfies(ll_json schema, ll_json value) {
    static pair todo[4096];
    size_t n = 0;
    todo[n++] = (pair){schema, value};
    while (n) {
        const pair p = todo[--n];
        double x = 0;
        if (!has_type(p.schema, p.value)) return false;
        if (ll_json_double(p.value, &x) && !within(p.schema, "minimum", "maximum", x)) return false;
        if (ll_json_get_type(p.value) == LL_JSON_STRING &&
            !within(p.schema, "minLength", "maxLength", length_of(p.value)))
            return false;
        if (ll_json_get_type(p.value) == LL_JSON_ARRAY &&
            !within(p.schema, "minItems", "maxItems", (double)ll_json_count(p.value)))
            return false;
        const ll_json all = ll_json_get(p.schema, "allOf"), required = ll_json_get(p.schema, "required");
        for (ll_json e = ll_json_first(all); ll_json_get_type(e); e = ll_json_next(e)) todo[n++] = (pair){e, p.value};
        for (ll_json e = ll_json_first(required); ll_json_get_type(e); e = ll_json_next(e)) {
            char key[64];
            size_t length;
            const char *name = ll_json_string(e, &length);
            snprintf(key, sizeof key, "%.*s", (int)length, name);
            if (!ll_json_get_type(ll_json_get(p.value, key))) return false;
        }
        const bool is_array = ll_json_get_type(p.value) == LL_JSON_ARRAY;
        for (ll_json e = ll_json_first(p.value); ll_json_get_type(e); e = ll_json_next(e)) {
            char key[64];
            size_t length = 0;
            if (!is_array) snprintf(key, sizeof key, "%.*s", (int)20, ll_json_key(e, &length));
            if (!is_array && length < sizeof key)
                snprintf(key, sizeof key, "%.*s", (int)length, ll_json_key(e, &length));
            const ll_json inner =
                is_array ? ll_json_get(p.schema, "items") : ll_json_get(ll_json_get(p.schema, "properties"), key);
            if (ll_json_get_type(inner) == LL_JSON_OBJECT && n < 4000) todo[n++] = (pair){inner, e};
        }
    }
    return true;
}

START_TEST(random_texts_satisfy_random_schemas) {
    char *text, *at;
    size_t n_bytes, n_texts = 0, n_schemas = 0;
    uint64_t seed = 11;
    allocator = ll_allocator_default();
    ck_assert_int_eq(ll_file_read_all(&allocator, "tests/data/grammar/schemas.jsonl", 1 << 22, &text, &n_bytes),
                     LLMCS_OK);
    const size_t step = suite_step(10);
    at = text;
    for (char *end; (end = memchr(at, '\n', (size_t)(text + n_bytes - at))) != NULL; at = end + 1) {
        static char out[4000];
        compiled c;
        ll_json_doc *schema, *value;
        *end = 0;
        if (n_schemas++ % step) continue;
        ck_assert_msg(!compile_grammar(&c, &allocator, NULL, at), "%s: %s", at, llmcs_error_message());
        ck_assert_int_eq(ll_json_parse(&allocator, "schema", at, strlen(at), 0, &schema), LLMCS_OK);
        for (int i = 0; i < 3; i++) {
            if (!random_text(&c, &seed, out, sizeof out)) continue; /* an endless string */
            ck_assert_msg(!ll_json_parse(&allocator, "text", out, strlen(out), 0, &value), "%s: %s: %s", at, out,
                          llmcs_error_message());
            ck_assert_msg(satisfies(ll_json_root(schema), ll_json_root(value)), "%s: %s", at, out);
            ll_json_free(&value);
            n_texts++;
        }
        ll_json_free(&schema);
        free_grammar(&c);
    }
    ck_assert_uint_eq(n_schemas, 1000);
    ck_assert_uint_gt(n_texts, 2 * 1000 / step);
    ll_free(&allocator, text);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, types_and_values);
    tcase_add_test(t, strings);
    tcase_add_test(t, integer_ranges_are_exact);
    tcase_add_test(t, objects_and_arrays);
    tcase_add_test(t, references_may_recurse);
    tcase_add_test(t, references_name_whole_keys);
    tcase_add_test(t, many_alternatives_are_compiled_in_linear_time);
    tcase_add_test(t, what_is_not_supported_is_refused_by_name);
    tcase_add_test(t, random_texts_satisfy_random_schemas);
}

SUITE_MAIN("grammar/schema", add)
