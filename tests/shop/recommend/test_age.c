/* Ages of requests and of products' attributes. */
#include <string.h>

#include "shop/recommend/age.h"
#include "support/suite.h"

static const struct {
    const char *text;
    unsigned int months;
} ages[] = {{"for a 3 year old", 36},
            {"3-year-olds", 36},
            {"my two year old nephew loves bikes", 24},
            {"a three-year-old", 36},
            {"适合三岁小孩玩的 100块以内", 36},
            {"两岁半的宝宝", 30},
            {"半岁", 6},
            {"十二岁的", 144},
            {"给baby三岁", 36},
            {"三四岁", 36}, /* three or four */
            {"3到5岁", 36},
            {"3-5岁", 36},
            {"a 3 or 4 year old", 36},
            {"a 5 year old and a 2 year old", 24},
            {"two and a half years old", 30},
            {"a 2.5 year old", 30},
            {"2 1/2 year old", 30},
            {"18 month old", 18},
            {"18-month-old", 18},
            {"18个月大", 18},
            {"aged 4", 48},
            {"kids under 5 years old", 59},
            {"不到3岁", 35},
            {"3岁以下", 35},
            {"a 70 year old", 840}};

static const char *const no_ages[] = {"2 yoga mats",      "3 yo-yos",    "5 yoghurts", "五",      "岁",
                                      "3 years warranty", "18 months",   "18个月保修", "spf50",   "under 3 kg",
                                      "is 3 a lot",       "100块以内",   "",           "someone", "0岁",
                                      "3 years ago",      "cable of 3 m"};

/* With a child, months and "is 3" are ages as well. */
static const struct {
    const char *text;
    unsigned int months;
} of_children[] = {{"给18个月宝宝玩的", 18},
                   {"my son is 3", 36},
                   {"our boy is 2 and a half now", 30},
                   {"my girl is two and loves bikes", 24}};

static const char *const no_ages_of_children[] = {"a bike for my son, 2 years warranty",
                                                  "bought my son one 3 months ago", "my son's cable is 3 m",
                                                  "我儿子6月生日", "保修18个月内"};

static const struct {
    const char *text;
    unsigned int months;
} least[] = {{"from 5 years", 60}, {"from 18 months", 18},
             {"5岁以上", 60},      {"18个月以上", 18},
             {"6-12 months", 6},   {"3 to 6 years", 36},
             {"8+", 96},           {"18m+", 18},
             {"三岁以上", 36},     {"all ages", 0},
             {"up to 3 years", 0}, {"3岁以下", 0},
             {"999 years", 0},     {"", 0}};

START_TEST(age_of_a_request_is_read) {
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        unsigned int months = 0;
        ck_assert_msg(shop_read_age(ages[i].text, strlen(ages[i].text), false, &months), "\"%s\"", ages[i].text);
        ck_assert_msg(months == ages[i].months, "\"%s\": %u", ages[i].text, months);
    }
    for (size_t i = 0; i < sizeof no_ages / sizeof *no_ages; i++) {
        unsigned int months;
        ck_assert_msg(!shop_read_age(no_ages[i], strlen(no_ages[i]), false, &months), "\"%s\"", no_ages[i]);
    }
}
END_TEST

START_TEST(child_makes_more_numbers_ages) {
    for (size_t i = 0; i < sizeof of_children / sizeof *of_children; i++) {
        const char *text = of_children[i].text;
        unsigned int months = 0;
        ck_assert_msg(shop_read_age(text, strlen(text), true, &months), "\"%s\"", text);
        ck_assert_msg(months == of_children[i].months, "\"%s\": %u", text, months);
    }
    for (size_t i = 0; i < sizeof no_ages_of_children / sizeof *no_ages_of_children; i++) {
        const char *text = no_ages_of_children[i];
        unsigned int months;
        ck_assert_msg(!shop_read_age(text, strlen(text), true, &months), "\"%s\"", text);
    }
}
END_TEST

START_TEST(least_age_of_an_attribute_is_read) {
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        const unsigned int months = shop_read_least_age(least[i].text, strlen(least[i].text));
        ck_assert_msg(months == least[i].months, "\"%s\": %u", least[i].text, months);
    }
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, age_of_a_request_is_read);
    tcase_add_test(tests, child_makes_more_numbers_ages);
    tcase_add_test(tests, least_age_of_an_attribute_is_read);
}

SUITE_MAIN("shop/recommend/age", add_tests)
