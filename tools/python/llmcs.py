"""libllmcs from Python, through ctypes: no compiler and no package is needed beside the shared library.

    import llmcs
    model = llmcs.Model("path/to/gpt2")
    session = model.session()
    print(session.generate("Hello, I am", max_new_tokens=20).texts[0])
    for piece in session.stream("Hello, I am", do_sample=True, seed=1): print(piece, end="")

    model = llmcs.Model("path/to/bert")
    print(model.classify(["What a lovely coat!"]))      # [{"positive": 0.99, "negative": 0.01}]
    vectors = model.embed(["red dress", "blue jeans"])  # lists of floats

    with llmcs.Model("path/to/gpt2").engine() as engine:  # many requests at once, from any thread
        requests = [engine.submit(prompt, max_new_tokens=20) for prompt in prompts]
        answers = [request.wait().texts[0] for request in requests]

Names and meanings are those of include/llmcs.h. Errors are raised as llmcs.Error with the library's message and
its status name. Objects are freed with their last reference, or by close() or a with statement. A session and a
request serve one call at a time; everything else may be used from any thread (ctypes releases the interpreter lock in calls).

The library is looked for in $LLMCS_LIBRARY, then in build/lib beside this source tree, then by the system's loader.
"""
import ctypes as c
import os
import queue
import threading

__all__ = ["Engine", "Error", "Model", "Request", "Session", "Tokenizer", "quantize", "version"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_NUL = c.c_size_t(-1).value

STATUS = ("OK ARG NOMEM IO FORMAT JSON CONFIG TOKENIZER UNSUPPORTED LIMIT CHANGED NOSPACE CONTEXT_FULL TOKEN_RANGE "
          "UTF8 NUMERIC CANCELLED BUSY STATE THREAD FORK DEADLINE INTERNAL QUEUE_FULL PENDING").split()
FINISH = "stop length stop_string callback cancelled deadline".split()


def _struct(name, *fields):
    return type(name, (c.Structure,), {"_fields_": [(n, t) for t, names in fields for n in names.split()]})


_i32, _u32, _u64, _size, _float, _double, _ptr = (c.c_int32, c.c_uint32, c.c_uint64, c.c_size_t, c.c_float, c.c_double,
                                                  c.c_void_p)
ModelOptions = _struct("llmcs_model_options", (_size, "struct_size"), (_i32, "n_threads"), (c.c_int, "load_mode backend"),
                       (_u32, "flags"), (_u64, "max_bytes"), (_ptr, "allocator log log_user progress progress_user"),
                       (c.c_int, "weights kv_type"))
ModelInfo = _struct("llmcs_model_info", (_size, "struct_size"), (c.c_char_p, "model_type architecture"), (_u32, "heads"),
                    (_i32, "vocab_size n_ctx n_embd n_layer n_head n_inner n_labels n_embedding bos_token_id "
                           "eos_token_id pad_token_id n_threads"),
                    (c.c_char_p, "cpu backend"), (_u64, "n_parameters weights_bytes"), (c.c_char_p, "weights kv_type"))
EncodeParams = _struct("llmcs_encode_params", (_size, "struct_size"), (_u32, "flags"), (c.c_int, "truncation"),
                       (_size, "max_length"))
TextParams = _struct("llmcs_text_params", (_size, "struct_size"), (c.c_int, "overflow truncation"),
                     (_size, "max_length stride"), (c.c_int, "window_pooling"), (_u32, "flags"))
TextInfo = _struct("llmcs_text_info", (_size, "n_tokens n_evaluated n_windows"), (_i32, "truncated"))
Span = _struct("llmcs_span", (_size, "begin end"))
SessionOptions = _struct("llmcs_session_options", (_size, "struct_size"), (_i32, "n_ctx"))
Ids = _struct("llmcs_ids", (c.POINTER(_i32), "ids"), (_size, "n_ids"))
LogitBias = _struct("llmcs_logit_bias", (_i32, "id"), (_float, "bias"))
GenerateParams = _struct(
    "llmcs_generate_params", (_size, "struct_size"), (_i32, "max_new_tokens min_new_tokens do_sample"),
    (_float, "temperature"), (_i32, "top_k"), (_float, "top_p min_p repetition_penalty presence_penalty frequency_penalty"),
    (_i32, "no_repeat_ngram_size num_beams num_return_sequences"), (c.c_int, "early_stopping"), (_float, "length_penalty"),
    (_u64, "seed"), (c.POINTER(_i32), "eos_token_id"), (_size, "n_eos_token_id"), (c.POINTER(Ids), "bad_words_ids"),
    (_size, "n_bad_words_ids"), (c.POINTER(LogitBias), "logit_bias"), (_size, "n_logit_bias"),
    (c.POINTER(c.c_char_p), "stop_strings"), (_size, "n_stop_strings"), (_i32, "logprobs"), (_u32, "encode_flags"),
    (_double, "deadline_ms"), (_i32, "prompt_lookup_num_tokens max_matching_ngram_size"),
    (c.POINTER(_i32), "prompt_lookup_ids"), (_size, "n_prompt_lookup_ids"))
Sequence = _struct("llmcs_sequence", (c.POINTER(_i32), "ids"), (_size, "n_ids"), (_ptr, "text"), (_size, "text_bytes"),
                   (c.c_int, "finish_reason"), (_float, "score"), (c.POINTER(_float), "logprobs"))
Result = _struct("llmcs_result", (c.POINTER(Sequence), "sequences"),
                 (_size, "n_sequences n_prompt_tokens n_new_tokens"), (_double, "prompt_ms decode_ms"),
                 (_size, "n_cached_tokens n_draft_tokens n_accepted_tokens"))
EngineOptions = _struct("llmcs_engine_options", (_size, "struct_size"), (_u64, "kv_bytes"),
                        (_i32, "n_ctx max_batch max_queue max_chunk"), (_double, "step_ms"), (_u32, "flags"))
SubmitOptions = _struct("llmcs_submit_options", (_size, "struct_size"), (_i32, "priority"), (_ptr, "on_text on_token user"))
Histogram = _struct("llmcs_histogram", (_u64 * 104, "counts"), (_u64, "n"), (_double, "sum_ms max_ms"))
EngineStats = _struct(
    "llmcs_engine_stats", (_size, "struct_size"),
    (_u64, "n_submitted n_refused n_finished n_cancelled n_deadline n_failed n_waiting n_running n_steps n_rows "
           "n_prompt_tokens n_cached_tokens n_new_tokens n_draft_tokens n_accepted_tokens n_preempted n_evicted_blocks "
           "n_blocks n_used_blocks n_cached_blocks step_ns forward_ns sample_ns"),
    (Histogram, "waiting_ms first_token_ms per_token_ms"))
ScoreResult = _struct("llmcs_score_result", (_double, "logprob"), (_size, "n_tokens"))
Text = _struct("llmcs_text", (c.c_char_p, "text"), (_size, "text_bytes"), (c.c_char_p, "pair"), (_size, "pair_bytes"))
MaskToken = _struct("llmcs_mask_token", (_size, "position"), (_i32, "id"), (_float, "probability"))
QuantizeParams = _struct("llmcs_quantize_params", (_size, "struct_size"), (c.c_int, "type"),
                         (_ptr, "allocator log log_user progress progress_user"))
_TextFn = c.CFUNCTYPE(c.c_int, _ptr, _ptr, _size)


def _load():
    beside = os.path.join(_HERE, "..", "..", "build", "lib", "libllmcs.so")
    path = os.environ.get("LLMCS_LIBRARY") or (beside if os.path.exists(beside) else "libllmcs.so.0")
    lib = c.CDLL(path)
    P = c.POINTER
    functions = {  # name: result, arguments. Every pointer is declared, or a 64-bit handle would be cut to an int.
        "llmcs_version": (c.c_char_p,),
        "llmcs_error_message": (c.c_char_p,),
        "llmcs_model_options_init": (None, P(ModelOptions)),
        "llmcs_model_open": (c.c_int, c.c_char_p, P(ModelOptions), P(_ptr)),
        "llmcs_model_free": (None, P(_ptr)),
        "llmcs_model_get_info": (c.c_int, _ptr, P(ModelInfo)),
        "llmcs_model_label": (c.c_char_p, _ptr, _i32),
        "llmcs_model_tokenizer": (_ptr, _ptr),
        "llmcs_tokenizer_open": (c.c_int, c.c_char_p, _ptr, P(_ptr)),
        "llmcs_tokenizer_free": (None, P(_ptr)),
        "llmcs_encode_params_init": (None, P(EncodeParams)),
        "llmcs_encode": (c.c_int, _ptr, c.c_char_p, _size, c.c_char_p, _size, P(EncodeParams), P(_i32), P(_i32), P(Span),
                         _size, P(_size)),
        "llmcs_decode": (c.c_int, _ptr, P(_i32), _size, _u32, c.c_char_p, _size, P(_size)),
        "llmcs_id_to_token": (_ptr, _ptr, _i32, P(_size)),
        "llmcs_session_options_init": (None, P(SessionOptions)),
        "llmcs_session_create": (c.c_int, _ptr, P(SessionOptions), P(_ptr)),
        "llmcs_session_free": (None, P(_ptr)),
        "llmcs_session_cancel": (None, _ptr),
        "llmcs_session_save": (c.c_int, _ptr, _ptr, _size, P(_size)),
        "llmcs_session_restore": (c.c_int, _ptr, _ptr, _size),
        "llmcs_generate_params_init": (None, P(GenerateParams)),
        "llmcs_generate_params_from_model": (c.c_int, _ptr, P(GenerateParams)),
        "llmcs_generate": (c.c_int, _ptr, c.c_char_p, _size, P(GenerateParams), _TextFn, _ptr, P(P(Result))),
        "llmcs_result_free": (None, P(P(Result))),
        "llmcs_engine_options_init": (None, P(EngineOptions)),
        "llmcs_engine_create": (c.c_int, _ptr, P(EngineOptions), P(_ptr)),
        "llmcs_engine_free": (None, P(_ptr)),
        "llmcs_submit_options_init": (None, P(SubmitOptions)),
        "llmcs_engine_submit": (c.c_int, _ptr, c.c_char_p, _size, P(GenerateParams), P(SubmitOptions), P(_ptr)),
        "llmcs_engine_submit_ids": (c.c_int, _ptr, P(_i32), _size, P(GenerateParams), P(SubmitOptions), P(_ptr)),
        "llmcs_request_cancel": (None, _ptr),
        "llmcs_request_wait": (c.c_int, _ptr, _double, P(P(Result))),
        "llmcs_request_read": (c.c_int, _ptr, c.c_char_p, _size, P(_size), P(c.c_int)),
        "llmcs_request_free": (None, P(_ptr)),
        "llmcs_histogram_quantile": (_double, P(Histogram), _double),
        "llmcs_engine_get_stats": (c.c_int, _ptr, P(EngineStats)),
        "llmcs_score": (c.c_int, _ptr, c.c_char_p, _size, c.c_char_p, _size, P(ScoreResult)),
        "llmcs_choose": (c.c_int, _ptr, c.c_char_p, _size, P(c.c_char_p), _size, c.c_int, P(ScoreResult), P(_size)),
        "llmcs_text_params_init": (None, P(TextParams)),
        "llmcs_classify_with": (c.c_int, _ptr, P(Text), _size, P(TextParams), P(_float), P(_i32), P(TextInfo)),
        "llmcs_embed_with": (c.c_int, _ptr, P(Text), _size, c.c_int, c.c_int, P(TextParams), P(_float), P(TextInfo)),
        "llmcs_rerank_with": (c.c_int, _ptr, c.c_char_p, _size, P(Text), _size, P(TextParams), P(_float), P(TextInfo)),
        "llmcs_quantize_params_init": (None, P(QuantizeParams)),
        "llmcs_quantize": (c.c_int, c.c_char_p, c.c_char_p, P(QuantizeParams)),
        "llmcs_fill_mask": (c.c_int, _ptr, c.c_char_p, _size, _size, P(MaskToken), _size, P(_size)),
    }
    for name, (result, *arguments) in functions.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_lib = _load()


class Error(Exception):
    """What a call had to say; .status is the name of its llmcs_status ("CONFIG", "CONTEXT_FULL", ...)."""

    def __init__(self, status):
        self.status = STATUS[status] if 0 <= status < len(STATUS) else "UNKNOWN"
        super().__init__("%s: %s" % (self.status, _lib.llmcs_error_message().decode("utf-8", "replace")))


def _check(status):
    if status:
        raise Error(status)


def version():
    return _lib.llmcs_version().decode()


def quantize(folder, path, type="q8_0"):
    """Writes a model's folder as one GGUF file, which Model and Tokenizer open, too: q8_0, q4_0, f16, bf16 or f32."""
    params = QuantizeParams()
    _lib.llmcs_quantize_params_init(c.byref(params))
    params.type = ("q8_0", "q4_0", "f16", "bf16", "f32").index(type)
    _check(_lib.llmcs_quantize(os.fsencode(folder), os.fsencode(path), c.byref(params)))


class _Handle:
    """Owns one of the library's objects."""

    _free = None

    def __init__(self):
        self._h = c.c_void_p()

    def close(self):
        if self._h:
            type(self)._free(c.byref(self._h))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_h", None):
            self.close()


class Tokenizer(_Handle):
    """Tokenizer(folder), or model.tokenizer."""

    _free = _lib.llmcs_tokenizer_free

    def __init__(self, folder=None, _of_model=None):
        super().__init__()
        self._model = _of_model  # keeps a borrowed tokenizer's owner alive
        if _of_model is not None:
            self._h = c.c_void_p(_lib.llmcs_model_tokenizer(_of_model._h))
        else:
            _check(_lib.llmcs_tokenizer_open(os.fsencode(folder), None, c.byref(self._h)))

    def close(self):
        if self._model is not None:
            self._h = c.c_void_p()
        super().close()

    def encode(self, text, pair=None, add_special_tokens=True, parse_special=False, offsets=False):
        """Token ids; with offsets=True also [(begin, end)] in bytes of the UTF-8 text."""
        a, b = text.encode("utf-8", "surrogatepass"), None if pair is None else pair.encode("utf-8", "surrogatepass")
        params = EncodeParams()
        _lib.llmcs_encode_params_init(c.byref(params))
        params.flags = (1 if add_special_tokens else 0) | (2 if parse_special else 0)
        n = _size()
        arguments = (self._h, a, len(a), b, len(b or b""), c.byref(params))
        _check(_lib.llmcs_encode(*arguments, None, None, None, 0, c.byref(n)))
        ids, spans = (_i32 * n.value)(), (Span * n.value)()
        _check(_lib.llmcs_encode(*arguments, ids, None, spans, n.value, c.byref(n)))
        return (list(ids), [(s.begin, s.end) for s in spans]) if offsets else list(ids)

    def decode(self, ids, skip_special_tokens=False, clean_up_tokenization_spaces=False):
        array, n = (_i32 * len(ids))(*ids), _size()
        flags = (1 if skip_special_tokens else 0) | (2 if clean_up_tokenization_spaces else 0)
        _check(_lib.llmcs_decode(self._h, array, len(ids), flags, None, 0, c.byref(n)))
        text = c.create_string_buffer(n.value + 1)
        _check(_lib.llmcs_decode(self._h, array, len(ids), flags, text, n.value, c.byref(n)))
        return text.raw[:n.value].decode("utf-8")

    def token(self, id):
        """The token as the vocabulary writes it, or None."""
        n = _size()
        at = _lib.llmcs_id_to_token(self._h, id, c.byref(n))
        return c.string_at(at, n.value).decode("utf-8", "replace") if at else None


def _texts(texts):
    """An array of llmcs_text: each item is a text or a (text, pair)."""
    array = (Text * len(texts))()
    for place, item in zip(array, texts):
        text, pair = (item, None) if isinstance(item, str) else item
        place.text = data = text.encode()
        place.text_bytes = len(data)
        if pair is not None:
            place.pair = data = pair.encode()
            place.pair_bytes = len(data)
    return array


def _text_params(how):
    """llmcs_text_params from keyword arguments."""
    p = TextParams()
    _lib.llmcs_text_params_init(c.byref(p))
    names = {"overflow": ("error", "truncate", "windows"), "window_pooling": ("auto", "mean", "max"),
             "truncation": (None, "longest_first", "only_first", "only_second")}
    for key, value in how.items():
        if key not in ("overflow", "truncation", "max_length", "stride", "window_pooling"):
            raise TypeError("unknown argument %r" % key)
        setattr(p, key, names[key].index(value) if key in names else value)
    return c.byref(p)


def _tell(infos, done, n):
    for info in done[:n] if infos is not None else ():
        infos.append({"n_tokens": info.n_tokens, "n_evaluated": info.n_evaluated, "n_windows": info.n_windows,
                      "truncated": bool(info.truncated)})


class Model(_Handle):
    """Model(folder, n_threads=0, mmap=False, backend="auto", weights="auto", kv_type="auto"): weights is how they are
    kept, auto, f32, f16, bf16, int8 or int4; kv_type is auto, f32 or f16."""

    _free = _lib.llmcs_model_free

    def __init__(self, folder, n_threads=0, mmap=False, backend="auto", weights="auto", kv_type="auto"):
        super().__init__()
        options = ModelOptions()
        _lib.llmcs_model_options_init(c.byref(options))
        options.n_threads = n_threads
        options.load_mode = 1 if mmap else 0
        options.backend = ("auto", "native", "openblas").index(backend)
        options.weights = ("auto", "f32", "f16", "bf16", "int8", "int4").index(weights)
        options.kv_type = ("auto", "f32", "f16").index(kv_type)
        _check(_lib.llmcs_model_open(os.fsencode(folder), c.byref(options), c.byref(self._h)))
        self._info = ModelInfo(struct_size=c.sizeof(ModelInfo))
        _check(_lib.llmcs_model_get_info(self._h, c.byref(self._info)))

    @property
    def info(self):
        """The fields of llmcs_model_info as a dict."""
        out = {n: getattr(self._info, n) for n, _ in ModelInfo._fields_ if n != "struct_size"}
        return {k: v.decode() if isinstance(v, bytes) else v for k, v in out.items()}

    @property
    def labels(self):
        return [_lib.llmcs_model_label(self._h, i).decode() for i in range(self._info.n_labels)]

    @property
    def tokenizer(self):
        """None where the folder has no tokenizer files."""
        return Tokenizer(_of_model=self) if _lib.llmcs_model_tokenizer(self._h) else None

    def session(self, n_ctx=0):
        return Session(self, n_ctx)

    def engine(self, **options):
        return Engine(self, **options)

    def classify(self, texts, infos=None, **how):
        """[{label: probability}] for texts or (text, pair) tuples. Texts over the model's length are an Error
        (CONTEXT_FULL) unless overflow="truncate" or "windows" says what becomes of them; with it max_length, stride,
        truncation ("longest_first", "only_first", "only_second"), window_pooling ("auto", "mean", "max"). infos: a
        list to which a dict for each text is added: n_tokens, n_evaluated, n_windows, truncated."""
        n, labels = len(texts), self.labels
        scores, done = (_float * max(1, n * len(labels)))(), (TextInfo * max(1, n))()
        _check(_lib.llmcs_classify_with(self._h, _texts(texts), n, _text_params(how), scores, None, done))
        _tell(infos, done, n)
        return [dict(zip(labels, scores[i * len(labels):(i + 1) * len(labels)])) for i in range(n)]

    def embed(self, texts, pooling="auto", normalize="auto", infos=None, **how):
        """A list of floats for each text; infos and how as in classify."""
        n, width = len(texts), self._info.n_embedding
        vectors, done = (_float * max(1, n * width))(), (TextInfo * max(1, n))()
        _check(_lib.llmcs_embed_with(self._h, _texts(texts), n, ("auto", "mean", "cls", "pooler").index(pooling),
                                     ("auto", "no", "l2").index(normalize), _text_params(how), vectors, done))
        _tell(infos, done, n)
        return [vectors[i * width:(i + 1) * width] for i in range(n)]

    def rerank(self, query, docs, infos=None, **how):
        """A score for each document; infos and how as in classify."""
        scores, q, done = (_float * max(1, len(docs)))(), query.encode(), (TextInfo * max(1, len(docs)))()
        _check(_lib.llmcs_rerank_with(self._h, q, len(q), _texts(docs), len(docs), _text_params(how), scores, done))
        _tell(infos, done, len(docs))
        return list(scores)[:len(docs)]

    def fill_mask(self, text, top_k=5):
        """For each mask a list of (token, probability), best first."""
        t, n = text.encode(), _size()
        _check(_lib.llmcs_fill_mask(self._h, t, len(t), top_k, None, 0, c.byref(n)))
        tokens = (MaskToken * n.value)()
        _check(_lib.llmcs_fill_mask(self._h, t, len(t), top_k, tokens, n.value, c.byref(n)))
        masks, tokenizer = {}, self.tokenizer
        for m in tokens:
            masks.setdefault(m.position, []).append((tokenizer.token(m.id), m.probability))
        return list(masks.values())


class Generated:
    """What a generation gave: texts, sequences (ids), finish_reasons, scores, logprobs, one of each a sequence.

    logprobs are None without logprobs=True, and so are scores, but for beam search."""

    def __init__(self, r):
        s = [r.sequences[i] for i in range(r.n_sequences)]
        self.texts = [c.string_at(x.text, x.text_bytes).decode("utf-8") for x in s]
        self.sequences = [x.ids[:x.n_ids] for x in s]
        self.finish_reasons = [FINISH[x.finish_reason] for x in s]
        self.scores = [None if x.score != x.score else x.score for x in s]
        self.logprobs = [x.logprobs[:x.n_ids] if x.logprobs else None for x in s]
        self.n_prompt_tokens, self.prompt_ms, self.decode_ms = r.n_prompt_tokens, r.prompt_ms, r.decode_ms
        self.n_cached_tokens = r.n_cached_tokens
        self.n_draft_tokens, self.n_accepted_tokens = r.n_draft_tokens, r.n_accepted_tokens


def _params(model, given):
    """A llmcs_generate_params over the folder's defaults, and the arrays it points to."""
    p = GenerateParams(struct_size=c.sizeof(GenerateParams))
    _check(_lib.llmcs_generate_params_from_model(model._h, c.byref(p)))
    keep = []

    def array(field, kind, items):
        a = (kind * max(1, len(items)))(*items)
        keep.append(a)
        setattr(p, field, a)
        setattr(p, "n_" + field, len(items))

    for name, value in given.items():
        if value is None:
            continue
        if name == "eos_token_id":
            array(name, _i32, value if isinstance(value, (list, tuple)) else [value])
        elif name == "prompt_lookup_ids":
            array(name, _i32, value)
        elif name == "stop_strings":
            array(name, c.c_char_p, [s.encode() for s in ([value] if isinstance(value, str) else value)])
        elif name == "logit_bias":
            array(name, LogitBias, [LogitBias(i, b) for i, b in value.items()])
        elif name == "bad_words_ids":
            words = [(_i32 * len(w))(*w) for w in value]
            keep.append(words)
            array(name, Ids, [Ids(c.cast(w, c.POINTER(_i32)), len(w)) for w in words])
        elif name == "early_stopping":
            p.early_stopping = 2 if value == "never" else int(bool(value))
        elif name == "parse_special":
            p.encode_flags |= 2 if value else 0
        elif name != "struct_size" and not name.startswith("n_") and hasattr(p, name):
            setattr(p, name, value)
        else:
            raise TypeError("no generation parameter %r" % name)
    return p, keep


class Session(_Handle):
    """One conversation; model.session()."""

    _free = _lib.llmcs_session_free

    def __init__(self, model, n_ctx=0):
        super().__init__()
        self._model = model
        options = SessionOptions()
        _lib.llmcs_session_options_init(c.byref(options))
        options.n_ctx = n_ctx
        _check(_lib.llmcs_session_create(model._h, c.byref(options), c.byref(self._h)))

    def generate(self, prompt, on_text=None, **params):
        """A Generated. params: Transformers' names (max_new_tokens, do_sample, top_p, num_beams, ...).
        on_text(piece) is called with each new piece of text; a true result stops. What it raises is raised here."""
        p, keep = _params(self._model, params)
        text, result, raised = prompt.encode(), c.POINTER(Result)(), []

        def call(_, at, n):
            try:
                return 1 if on_text(c.string_at(at, n).decode("utf-8")) else 0
            except BaseException as e:  # must not cross the C frames below us
                raised.append(e)
                return 1

        callback = _TextFn(call) if on_text else _TextFn()
        _check(_lib.llmcs_generate(self._h, text, len(text), c.byref(p), callback, None, c.byref(result)))
        try:
            if raised:
                raise raised[0]
            return Generated(result.contents)
        finally:
            _lib.llmcs_result_free(c.byref(result))
            del keep

    def stream(self, prompt, **params):
        """Yields pieces of text as they come; leaving the loop early cancels the rest."""
        pieces, stop = queue.Queue(), threading.Event()

        def work():
            try:
                self.generate(prompt, on_text=lambda piece: pieces.put(piece) or stop.is_set(), **params)
                pieces.put(None)
            except BaseException as e:
                pieces.put(e)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            stop.set()
            thread.join()

    def cancel(self):
        """From any thread: the running call ends."""
        _lib.llmcs_session_cancel(self._h)

    def save(self):
        """What the session holds as bytes, for a session of the same model to be restored from, in any process."""
        n = _size()
        _check(_lib.llmcs_session_save(self._h, None, 0, c.byref(n)))
        data = bytearray(n.value)
        place = (c.c_char * len(data)).from_buffer(data)
        _check(_lib.llmcs_session_save(self._h, place, len(data), c.byref(n)))
        del place
        return bytes(data)

    def restore(self, data):
        """Becomes the session that was saved; on an Error it is as before."""
        data = bytes(data)
        _check(_lib.llmcs_session_restore(self._h, c.cast(c.c_char_p(data), _ptr), len(data)))

    def score(self, prompt, continuation):
        """(log-probability of the continuation after the prompt, its tokens)."""
        a, b, r = prompt.encode(), continuation.encode(), ScoreResult()
        _check(_lib.llmcs_score(self._h, a, len(a), b, len(b), c.byref(r)))
        return r.logprob, r.n_tokens

    def choose(self, prompt, candidates, per_token=False):
        """The index of the most probable candidate, and every log-probability."""
        a, n, best = prompt.encode(), len(candidates), _size()
        array, results = (c.c_char_p * max(1, n))(*[x.encode() for x in candidates]), (ScoreResult * max(1, n))()
        _check(_lib.llmcs_choose(self._h, a, len(a), array, n, int(per_token), results, c.byref(best)))
        return best.value, [r.logprob for r in results[:n]]


class Engine(_Handle):
    """Many requests at once over one model; model.engine(). Options are those of llmcs_engine_options: kv_bytes, n_ctx,
    max_batch, max_queue, max_chunk, step_ms; prefix_cache=False shares nothing between requests. Closing it ends the
    requests that are not finished."""

    _free = _lib.llmcs_engine_free

    def __init__(self, model, prefix_cache=True, **options):
        super().__init__()
        self._model = model
        o = EngineOptions()
        _lib.llmcs_engine_options_init(c.byref(o))
        o.flags = 0 if prefix_cache else 2
        for name, value in options.items():
            if name not in ("kv_bytes", "n_ctx", "max_batch", "max_queue", "max_chunk", "step_ms"):
                raise TypeError("no option of engines %r" % name)
            setattr(o, name, value)
        _check(_lib.llmcs_engine_create(model._h, c.byref(o), c.byref(self._h)))

    def submit(self, prompt, priority=0, **params):
        """A Request, at once; params as for Session.generate. Error with status QUEUE_FULL: come again later."""
        text = prompt.encode()
        return self._submit(_lib.llmcs_engine_submit, text, len(text), priority, params)

    def submit_ids(self, ids, priority=0, **params):
        """The same from token ids."""
        return self._submit(_lib.llmcs_engine_submit_ids, (_i32 * len(ids))(*ids), len(ids), priority, params)

    def _submit(self, function, prompt, n, priority, given):
        p, _keep = _params(self._model, given)  # the library copies what it needs
        options = SubmitOptions()
        _lib.llmcs_submit_options_init(c.byref(options))
        options.priority = priority
        request = Request(self)
        _check(function(self._h, prompt, n, c.byref(p), c.byref(options), c.byref(request._h)))
        return request

    def stats(self):
        """llmcs_engine_stats as a dict; each histogram as {"n", "mean", "p50", "p95", "p99", "max"} in milliseconds."""
        s = EngineStats(struct_size=c.sizeof(EngineStats))
        _check(_lib.llmcs_engine_get_stats(self._h, c.byref(s)))
        return {n: self._histogram(v) if isinstance(v, Histogram) else v
                for n, v in ((n, getattr(s, n)) for n, _ in EngineStats._fields_ if n != "struct_size")}

    @staticmethod
    def _histogram(h):
        out = {"n": h.n, "mean": h.sum_ms / h.n if h.n else 0.0, "max": h.max_ms}
        out.update((name, _lib.llmcs_histogram_quantile(c.byref(h), q)) for name, q in
                   (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)))
        return out


class Request(_Handle):
    """What engine.submit gives. Iterating over it yields pieces of text as they come; closing it cancels the rest."""

    _free = _lib.llmcs_request_free

    def __init__(self, engine):
        super().__init__()
        self._model = engine._model

    def wait(self, timeout=None):
        """A Generated; TimeoutError if it is not finished after so many seconds (None: as long as it takes)."""
        result = c.POINTER(Result)()
        status = _lib.llmcs_request_wait(self._h, -1 if timeout is None else 1e3 * timeout, c.byref(result))
        if STATUS[status] == "PENDING":
            raise TimeoutError("the request is not finished yet")
        _check(status)
        try:
            return Generated(result.contents)
        finally:
            _lib.llmcs_result_free(c.byref(result))

    def read(self):
        """(the text that came since the last call, whether nothing more will come). Never waits."""
        pieces, buffer, n, finished = [], c.create_string_buffer(4096), _size(), c.c_int()
        while True:
            _check(_lib.llmcs_request_read(self._h, buffer, len(buffer), c.byref(n), c.byref(finished)))
            if not n.value:
                return b"".join(pieces).decode("utf-8"), bool(finished.value)
            pieces.append(buffer.raw[:n.value])

    def __iter__(self):
        finished = False
        while not finished:
            text, finished = self.read()
            if text:
                yield text
            elif not finished:
                self._nap()

    def _nap(self):
        """Waits for a little of what is to come; there is nothing to wait on for a part of one request."""
        try:
            self.wait(0.005)
        except TimeoutError:
            pass

    def cancel(self):
        """From any thread: it ends with what it has so far."""
        _lib.llmcs_request_cancel(self._h)
