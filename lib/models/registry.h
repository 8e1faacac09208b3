/* The families this library runs. */
#ifndef LL_MODELS_REGISTRY_H
#define LL_MODELS_REGISTRY_H

#include "models/model.h"

extern const ll_net_ops ll_gpt2_ops; /* gpt2.c */
extern const ll_net_ops ll_bert_ops; /* bert.c: BERT, DistilBERT, RoBERTa */

/* The family's operations; NULL if it is none of these. */
const ll_net_ops *ll_family_ops(ll_family family);

#endif
