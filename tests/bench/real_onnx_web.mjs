// The graph of onnx_llama.py in onnxruntime-web: WebAssembly, one thread, under Node. Prints one JSON object.
//   ORT_WEB=<folder with node_modules/onnxruntime-web> node real_onnx_web.mjs <file.onnx>
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const LAYERS = 30, GROUPS = 3, WIDE = 64, BASE = 100000, STEPS = 20;
const TOKENS = JSON.parse(process.env.TOKENS); // of the text, as real_bench.py reads it
const require = createRequire(join(resolve(process.env.ORT_WEB ?? "."), "x.js"));
const ort = require("onnxruntime-web");
ort.env.wasm.numThreads = 1;
let began = performance.now();
const session = await ort.InferenceSession.create(readFileSync(process.argv[2]), { executionProviders: ["wasm"] });
const ready = (performance.now() - began) / 1000;
const float = (data, dims) => new ort.Tensor("float32", data, dims);

function inputs(tokens, past) {
  const start = past.k0.dims[0], n = tokens.length, half = WIDE / 2;
  const mask = new Float32Array(n * (start + n)), cos = new Float32Array(n * half), sin = new Float32Array(n * half);
  for (let t = 0; t < n; t++) {
    for (let s = 0; s < start + n; s++) mask[t * (start + n) + s] = s > start + t ? -Infinity : 0;
    for (let r = 0; r < half; r++) {
      const angle = (start + t) * BASE ** (-2 * r / WIDE);
      cos[t * half + r] = Math.cos(angle); sin[t * half + r] = Math.sin(angle);
    }
  }
  const given = { mask: float(mask, [n, start + n]), cos: float(cos, [n, 1, half]), sin: float(sin, [n, 1, half]) };
  return { tokens: new ort.Tensor("int64", BigInt64Array.from(tokens.map(BigInt)), [n]), ...given, ...past };
}
const empty = () => Object.fromEntries(Array.from({ length: LAYERS }, (_, l) => ["k", "v"].map((w) => [w + l,
  float(new Float32Array(0), [0, GROUPS, WIDE])])).flat());
const kept = (out) => Object.fromEntries(Object.entries(out).filter(([name]) => name.startsWith("new_"))
  .map(([name, value]) => [name.slice(4), value]));
async function run(tokens, past) {
  const given = inputs(tokens, past);
  began = performance.now();
  const out = await session.run(given);
  return [out, (performance.now() - began) / 1000];
}
await run(TOKENS, empty());
let [out, read] = await run(TOKENS, empty());
const says = [], steps = [];
for (let i = 0; i < STEPS; i++) {
  const { data } = out.logits;
  says.push(data.reduce((best, x, j) => (x > data[best] ? j : best), 0));
  let took;
  [out, took] = await run([says.at(-1)], kept(out));
  steps.push(took);
}
console.log(JSON.stringify({ ready, read, step: steps.sort((a, b) => a - b)[STEPS / 2], says }));
