"""llama.cpp through the low-level functions of llama-cpp-python (pip install llama-cpp-python), for comparison in the
other scripts. LLAMA_CPP_LIB_PATH names another folder with the libraries (libllama.so and its neighbours)."""
import ctypes
import os

import llama_cpp.llama_cpp as api


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def _silent(_level, _text, _user):
    pass


def start():
    """Loads the kernels, where they are libraries of their own."""
    folder = os.environ.get("LLAMA_CPP_LIB_PATH")
    if folder and os.path.exists(os.path.join(folder, "libggml.so")):
        ctypes.CDLL(os.path.join(folder, "libggml.so")).ggml_backend_load_all_from_path(folder.encode())
    if not os.environ.get("LLAMA_CPP_LOG"):
        api.llama_log_set(_silent, ctypes.c_void_p(0))
    api.llama_backend_init()
    return api.llama_print_system_info().decode()


class Model:
    """A GGUF file with one context of n_seq conversations of n_ctx tokens each; pooling: of an encoder, one of api.LLAMA_POOLING_TYPE_*."""

    def __init__(self, path, n_ctx=512, n_threads=2, n_seq=1, exact=True, use_mmap=True, pooling=None):
        params = api.llama_model_default_params()
        if hasattr(params, "use_mmap"):
            params.use_mmap = use_mmap
        self.model = api.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise ValueError("llama.cpp cannot open " + path)
        self.vocab = api.llama_model_get_vocab(self.model)
        self.n_vocab = api.llama_vocab_n_tokens(self.vocab)
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = n_ctx * n_seq, 512, 512, n_seq
        params.n_threads = params.n_threads_batch = n_threads
        if hasattr(params, "n_outputs_max_per_seq"):
            params.n_outputs_max_per_seq = 0
        if exact:  # keys and values as they are computed
            params.type_k = params.type_v = 0
            params.flash_attn_type = 0
        if pooling is not None:
            params.embeddings, params.pooling_type = True, pooling
        self.context = api.llama_init_from_model(self.model, params)
        if not self.context:
            raise ValueError("llama.cpp cannot create a context for " + path)
        self.memory = api.llama_get_memory(self.context)
        self.batch = api.llama_batch_init(512, 0, 1)

    def close(self):
        api.llama_batch_free(self.batch)
        api.llama_free(self.context)
        api.llama_model_free(self.model)

    def clear(self):
        api.llama_memory_clear(self.memory, True)

    def decode(self, rows):
        """rows: (token, position, sequence, want logits), at most 512."""
        b = self.batch
        b.n_tokens = len(rows)
        for i, (token, position, sequence, want) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, want
            b.seq_id[i][0] = sequence
        if api.llama_decode(self.context, b):
            raise ValueError("llama_decode failed")

    def encoded(self, ids, n):
        """n numbers for each of the ids, the last layer's; with pooling n numbers for all of them."""
        b = self.batch
        b.n_tokens = len(ids)
        for i, token in enumerate(ids):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, i, 1, 1
            b.seq_id[i][0] = 0
        if api.llama_encode(self.context, b):
            raise ValueError("llama_encode failed")
        pooled = api.llama_get_embeddings_seq(self.context, 0)
        return pooled[:n] if pooled else [api.llama_get_embeddings_ith(self.context, i)[:n] for i in range(len(ids))]

    def logits(self, ids):
        """A list of n_vocab numbers for each of the ids, from an empty context."""
        self.clear()
        self.decode([(t, i, 0, 1) for i, t in enumerate(ids)])
        return [list(api.llama_get_logits_ith(self.context, i)[: self.n_vocab]) for i in range(len(ids))]

    def argmax(self, row):
        logits = api.llama_get_logits_ith(self.context, row)[: self.n_vocab]
        return max(range(self.n_vocab), key=logits.__getitem__)

    def greedy(self, ids, n):
        """Continues ids by the n most probable tokens, one at a time."""
        self.clear()
        self.decode([(t, i, 0, i == len(ids) - 1) for i, t in enumerate(ids)])
        out, row = [], len(ids) - 1
        while len(out) < n:
            out.append(self.argmax(row))
            row = 0
            if len(out) < n:
                self.decode([(out[-1], len(ids) + len(out) - 1, 0, 1)])
        return out

    def encode(self, text, special=True):
        data = text.encode()
        ids = (api.llama_token * (len(data) + 16))()
        n = api.llama_tokenize(self.vocab, data, len(data), ids, len(ids), special, False)
        return list(ids[:n])
