// Times llmcs and its peers in turns, each turn in processes of its own, and prints one JSON document of ratios.
//
//   npm install --ignore-scripts node-llama-cpp onnxruntime-node
//   node peers.mjs --bench build/bin/llmcs-bench [--repeats 5] [--threads 2] [--gguf NAME=FILE.gguf ...]
//       [--bert NAME=FOLDER,FILE.onnx,WEIGHTS ...]      WEIGHTS: how llmcs stores them, f32 or int8
//
// GGUF files are read by both llmcs and llama.cpp: a prompt of 512 tokens, and decoding after 10. BERT is read by llmcs from the
// folder and by ONNX Runtime from a file with inputs `ids` and `mask`: one text of 128 tokens. A turn of a peer that runs inside
// this script is started as `peers.mjs --turn ...`.
import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const PROMPT = 512, DECODE = 24, CONTEXT = 10, TEXT = 128;
const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];
const ids = n => Array.from({length: n}, (_, i) => 1000 + (i * 7919) % 20000);

async function llamaTurn(path, threads) {
    const {getLlama, LlamaLogLevel} = await import('node-llama-cpp');
    const llama = await getLlama({gpu: false, logLevel: LlamaLogLevel.error, maxThreads: threads, build: 'never'});
    const model = await llama.loadModel({modelPath: path});
    const context = await model.createContext({contextSize: 1024, batchSize: PROMPT, threads: {ideal: threads, min: threads}});
    const sequence = context.getSequence();
    const evaluate = async (n, nNew) => { // tokens/s of the prompt and of decoding
        await sequence.clearHistory();
        let start = performance.now();
        const tokens = sequence.evaluate(ids(n), {temperature: 0})[Symbol.asyncIterator]();
        await tokens.next();
        const prompt = n * 1000 / (performance.now() - start);
        start = performance.now();
        for (let i = 0; i < nNew; i++) await tokens.next();
        const decode = nNew * 1000 / (performance.now() - start);
        await tokens.return?.();
        return {prompt, decode};
    };
    await evaluate(PROMPT, 2); // warm up
    const prompts = [], decodes = [];
    for (let i = 0; i < 3; i++) prompts.push((await evaluate(PROMPT, 1)).prompt);
    for (let i = 0; i < 3; i++) decodes.push((await evaluate(CONTEXT, DECODE)).decode);
    return {prompt: median(prompts), decode: median(decodes)};
}

async function onnxTurn(path, threads) {
    const {default: ort} = await import('onnxruntime-node');
    const options = {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'};
    const session = await ort.InferenceSession.create(path, options);
    const tensor = values => new ort.Tensor('int64', BigInt64Array.from(values.map(BigInt)), [1, TEXT]);
    const feed = {ids: tensor(ids(TEXT)), mask: tensor(Array(TEXT).fill(1))};
    const rates = [];
    for (let i = 0; i < 6; i++) { // the first one warms up
        const start = performance.now();
        await session.run(feed);
        if (i) rates.push(TEXT * 1000 / (performance.now() - start));
    }
    return {encode: median(rates)};
}

const options = {bench: 'build/bin/llmcs-bench', repeats: 5, threads: 2, gguf: [], bert: [], turn: null};
const rest = [];
for (let i = 2; i < process.argv.length; i++) {
    const name = process.argv[i].replace(/^--/, '');
    if (name === process.argv[i]) rest.push(process.argv[i]);
    else if (!(name in options)) throw new Error(`unknown option --${name}`);
    else if (Array.isArray(options[name])) options[name].push(process.argv[++i]);
    else options[name] = process.argv[++i];
}
const threads = Number(options.threads);

function runProcess(command, args) {
    const done = spawnSync(command, args, {encoding: 'utf8', maxBuffer: 1 << 26});
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
}

// The figure of llmcs-bench called `name`, in tokens/s.
function llmcsTurn(args, names) {
    const report = JSON.parse(runProcess(options.bench, ['e2e', ...args, '--threads', String(threads), '--batches', '1', '--repeats', '3', '--json']));
    const found = name => report.figures.find(f => f.name === name && f.unit === 'tokens/s')?.value;
    return Object.fromEntries(names.map(name => [name, found(name)]));
}
const peerTurn = (engine, path) =>
    JSON.parse(runProcess(process.execPath, [fileURLToPath(import.meta.url), '--threads', String(threads), '--turn', engine, path]).split('\n').at(-2));

function compare(model, work, tokens, peer, pairs) {
    const ratios = pairs.map(([ours, theirs]) => ours / theirs);
    return {model, work, tokens, peer, llmcs: Math.round(median(pairs.map(p => p[0]))), peer_value: Math.round(median(pairs.map(p => p[1]))),
        ratio: +median(ratios).toFixed(2), least: +Math.min(...ratios).toFixed(2), most: +Math.max(...ratios).toFixed(2)};
}

if (options.turn) {
    const turn = options.turn === 'llama' ? llamaTurn : onnxTurn;
    console.log(JSON.stringify(await turn(rest[0], threads)));
    process.exit(0); // llama.cpp's threads would keep the process alive
}
const rows = [];
const turns = Number(options.repeats);
for (const [model, path] of options.gguf.map(v => v.split('='))) {
    const prompt = [], decode = [];
    for (let i = 0; i < turns; i++) {
        const ours = llmcsTurn([path, '--prompts', String(PROMPT), '--contexts', String(CONTEXT)], ['prompt', 'decode']);
        const theirs = peerTurn('llama', path);
        prompt.push([ours.prompt, theirs.prompt]);
        decode.push([ours.decode, theirs.decode]);
    }
    rows.push(compare(model, 'prompt', PROMPT, 'llama.cpp', prompt), compare(model, 'decode', CONTEXT, 'llama.cpp', decode));
}
for (const [model, files] of options.bert.map(v => v.split('='))) {
    const [folder, onnx, weights] = files.split(',');
    const pairs = [];
    for (let i = 0; i < turns; i++) {
        const ours = llmcsTurn([folder, '--weights', weights, '--lengths', String(TEXT)], ['encode']);
        pairs.push([ours.encode, peerTurn('onnx', onnx).encode]);
    }
    rows.push(compare(model, 'one text', TEXT, 'ONNX Runtime', pairs));
}
console.log(JSON.stringify({threads, turns, rows}, null, 1));
