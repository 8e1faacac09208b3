// A Node host that ends, or unloads the library, without freeing its model.
// usage: node unload.js LIBRARY MODEL exit|unload     NODE_PATH says where the koffi package is.
'use strict';

const koffi = require('koffi');

const [, , path, folder, how] = process.argv;
const lib = koffi.load(path);
koffi.struct('llmcs_model_options', {
  struct_size: 'size_t', n_threads: 'int32_t', load_mode: 'int', backend: 'int', flags: 'uint32_t',
  max_bytes: 'uint64_t', allocator: 'void *', log: 'void *', log_user: 'void *', progress: 'void *',
  progress_user: 'void *', weights: 'int', kv_type: 'int',
});
koffi.struct('llmcs_encoder_outputs', {
  struct_size: 'size_t', hidden: 'void *', pooled: 'void *', logits: 'float *',
});
const open = lib.func('int llmcs_model_open(const char *path, llmcs_model_options *options, _Out_ void **model)');
const evaluate = lib.func('int llmcs_encoder_eval(void *model, int32_t *ids, int32_t *type_ids, size_t *lengths, ' +
                          'size_t n_texts, llmcs_encoder_outputs *outputs)');

function check(status, call) {
  if (status === 0) return;
  console.error(`${call}: status ${status}`);
  process.exit(3);
}

const zeros = { load_mode: 0, backend: 0, flags: 0, max_bytes: 0, allocator: null, log: null, log_user: null,
  progress: null, progress_user: null, weights: 0, kv_type: 0 };
const model = [null];
check(open(folder, { struct_size: koffi.sizeof('llmcs_model_options'), n_threads: 2, ...zeros }, model), 'open');
const logits = new Float32Array(16);
const outputs = { struct_size: koffi.sizeof('llmcs_encoder_outputs'), hidden: null, pooled: null, logits };
check(evaluate(model[0], new Int32Array([5, 9, 2, 7]), null, [4], 1, outputs), 'eval');
if (how === 'unload') lib.unload();
