/*
 * Language model of LSTM layers over words (Hochreiter and Schmidhuber 1997, with forget gates: Gers et al. 2000), the
 * classic text generator of Keras: Embedding, LSTM, Dense. models/lstm.c has the equations. Transformers has no such
 * family: the format of its folders is ours (tools/convert/lstm.py writes them).
 *
 * config.json has vocab_size, hidden_size, and with these [defaults]:
 *
 *     embedding_size         [hidden_size]
 *     num_layers             [1]
 *     gate_order             ["ifgo"] PyTorch's; "ifco" Keras', the same; "iofc" ONNX'
 *     recurrent_activation   ["sigmoid"]; "hard_sigmoid" x / 5 + 1/2 (Keras 1 and 2); "hard_sigmoid_6" x / 6 (Keras 3)
 *     use_bias, head_bias    [true] the layers, the head have biases
 *     skip_pad_token         [false] pad_token_id does not change the state (Keras' mask_zero)
 *     window                 [none] 1 to 1024: each token depends on this many tokens only, itself included: models of
 * a fixed input length, which start from the initial state for each token window_padding         [false] shorter inputs
 * are padded on the left with pad_token_id (pad_sequences, without mask_zero) tie_word_embeddings    [false]
 *     n_positions            [65536] the most tokens of a session; the network has no limit of its own
 *
 * model.safetensors has the names of PyTorch's state dict, or Keras' kernels, which are [n_in, 4 n]. For layer k:
 *
 *     embedding.weight                            embedding.embeddings
 *     lstm.weight_ih_l{k}, lstm.bias_ih_l{k}      lstm.{k}.kernel, lstm.{k}.bias
 *     lstm.weight_hh_l{k}, lstm.bias_hh_l{k}      lstm.{k}.recurrent_kernel
 *     lm_head.weight, lm_head.bias                lm_head.kernel, lm_head.bias
 *
 * initial.hidden and initial.cell, [num_layers, hidden_size], are the state before the first token; without them it is
 * 0.
 */
#include <math.h>

#include "families/family.h"

static const char *const gate_orders[] = {"ifgo", "ifco", "iofc", NULL};
static const char *const sigmoids[] = {"sigmoid", "hard_sigmoid", "hard_sigmoid_6", NULL};

static const ll_key keys[] = {
    LL_SIZE(n_embd, LL_MAX_WIDTH, "hidden_size"),
    LL_SIZE_OR(n_layer, 1, INT32_MAX, "num_layers", "num_hidden_layers"),
    LL_SIZE_OR(n_positions, 65536, LL_MAX_POSITIONS, "n_positions", "max_position_embeddings"),
    LL_INT(n_embd_in, 0, 1, LL_MAX_WIDTH, "embedding_size"),
    LL_COUNT(n_head, 1, 1, 1, NULL),
    LL_CHOICE(lstm.gates, LL_GATES_IFGO, gate_orders, "gate_order"),
    LL_CHOICE(lstm.sigmoid, LL_SIGMOID, sigmoids, "recurrent_activation"),
    LL_BOOL(lstm.bias, true, "use_bias"),
    LL_BOOL(decoder_bias, true, "head_bias"),
    LL_INT(lstm.window, 0, 1, 1024, "window"),
    LL_BOOL(lstm.pads_window, false, "window_padding"),
    LL_BOOL(lstm.skips_padding, false, "skip_pad_token"),
    LL_NO_MORE_KEYS,
};

static const ll_must_be must_be[] = {
    {"activation", "tanh", 0}, {"bidirectional", NULL, 0}, {"proj_size", NULL, NAN}, {0}};

static const ll_head_spec lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", NULL, NULL},
                                     .out_bias = LL_BIAS_BY_KEY};

static const ll_class classes[] = {{"LMHeadModel", &lm_head}, {0}};

const ll_family ll_family_lstm = {
    .name = "lstm",
    .network = LL_NETWORK_LSTM,
    .number = 60,
    .model_types = {{"lstm", "LSTM", NULL}},
    .untied = true,
    .prefix = "",
    .decoder = true,
    .keys = keys,
    .must_be = must_be,
    .classes = classes,
    .tokens = {.bos = -1, .eos = -1, .pad = -1},
    .stack = {{.layers = "lstm.%d.", .causal = true, .names = {[LL_TOKENS] = {"embedding", NULL, NULL}}}},
};
