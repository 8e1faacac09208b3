/* Which family runs which network. A new family is one file in this folder and one case here. */
#include "models/registry.h"

const ll_net_ops *ll_family_ops(ll_family family) {
    switch (family) {
        case LL_FAMILY_GPT2:
            return &ll_gpt2_ops;
        case LL_FAMILY_BERT:
        case LL_FAMILY_DISTILBERT:
        case LL_FAMILY_ROBERTA:
            return &ll_bert_ops;
    }
    return NULL;
}
