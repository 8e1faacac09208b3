/* A reader that gives the same answer to every message. */
#ifndef TESTS_SHOP_DESK_READER_CASE_H
#define TESTS_SHOP_DESK_READER_CASE_H

#include <math.h>

#include "shop/desk/desk_case.h"
#include "support/model_fixture.h"

enum { READER_HIDDEN = 48, READER_LABELS = 8 };

/* Makes a sequence classifier that gives these probabilities, whatever it reads: its weights are zero, so that its
 * biases decide. */
static inline llmcs_model *make_reader(char folder[TEMP_PATH_BYTES], const char *const *labels, const double *p,
                                       size_t n) {
    char source[64], names[512] = "{";
    float weights[READER_LABELS * READER_HIDDEN] = {0}, biases[READER_LABELS];
    llmcs_model *model = NULL;
    snprintf(source, sizeof source, GOLDEN_FOLDER "bert-cls");
    temp_folder(folder);
    checkpoint *c = checkpoint_read(source);
    for (size_t i = 0; i < n; i++) {
        biases[i] = (float)log(p[i]);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s\"%zu\":\"%s\"", i ? "," : "", i, labels[i]);
    }
    strcat(names, "}");
    checkpoint_set(c, "id2label", names);
    checkpoint_remove(c, "classifier.weight");
    checkpoint_remove(c, "classifier.bias");
    checkpoint_add_f32(c, "classifier.weight", 2, (uint64_t[]){n, READER_HIDDEN}, weights);
    checkpoint_add_f32(c, "classifier.bias", 1, (uint64_t[]){n}, biases);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    SHOP_OK(llmcs_model_open(folder, NULL, &model));
    return model;
}

#endif
