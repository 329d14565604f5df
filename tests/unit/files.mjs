// The files of the runtime as they come from all kinds of servers: packed, unpacked on the way, damaged, missing,
// stalled (node:test). Run by test_connection.py; arguments: build/web/python.js, bundled, and a file of JSON {raw,
// packed, entry} in base64.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { seconds, turn } from './clock.mjs';

globalThis.self = globalThis;
globalThis.location = new URL('https://host.example/runtime/worker.js');
const [bundle, given] = process.argv.slice(-2);
const { AssetError, Files, fetchAsset } = await import(bundle);
const { raw, packed, entry } = JSON.parse(readFileSync(given));
const [whole, small] = [raw, packed].map((text) => new Uint8Array(Buffer.from(text, 'base64')));
const manifest = { files: { weights: { ...entry, url: 'weights.bin' } } };

/** A stream of these bytes in pieces; `stalled`: its end never comes. */
const stream = (bytes, { piece = 1000, stalled = false } = {}) => new ReadableStream({
  start(controller) {
    for (let at = 0; at < bytes.length; at += piece) controller.enqueue(bytes.slice(at, at + piece));
    if (!stalled) controller.close();
  },
});
const altered = (bytes) => bytes.map((b, i) => (i > bytes.length / 2 && i < bytes.length / 2 + 40 ? b ^ 0x55 : b));
const page = new TextEncoder().encode('<!doctype html><title>Not found</title>');

/** Read the file where the server answers so, one answer after the other. */
async function read(answers, patience = Infinity) {
  const asked = [];
  let counted = 0;
  const asset = async (name, of, { fresh, signal }) => {
    asked.push({ fresh, signal });
    return answers[Math.min(asked.length, answers.length) - 1]();
  };
  const files = new Files(manifest, asset, (n) => { counted += n; }, patience);
  const content = files.bytesOf('weights');
  content.catch(() => {});
  return { asked, content, files, count: () => counted };
}
const equal = (data) => assert.deepEqual(Buffer.from(data), Buffer.from(whole));

for (const piece of [1, 7, 1000]) {
  test(`packed, in pieces of ${piece}`, async () => {
    const { content, asked, count } = await read([() => stream(small, { piece })]);
    equal(await content);
    assert.equal(count(), entry.bytes);
    assert.equal(asked.length, 1);
  });
  test(`unpacked by the server (Content-Encoding: zstd), in pieces of ${piece}`, async () => {
    const { content, asked, count } = await read([() => stream(whole, { piece })]);
    equal(await content);
    assert.ok(Math.abs(count() - entry.bytes) < 1); // progress in the measure of what was promised
    assert.equal(asked.length, 1);
  });
}

for (const [name, bytes] of [['packed', small], ['unpacked', whole]]) {
  for (const [kind, spoil] of [
    ['altered', altered],
    ['cut', (b) => b.slice(0, b.length / 2)],
    ['too long', (b) => Uint8Array.of(...b, 0)],
    ['a page', () => page],
    ['nothing', () => new Uint8Array()],
  ]) {
    test(`${name}, ${kind}: asked for anew, past the cache`, async () => {
      const { content, asked } = await read([() => stream(spoil(bytes)), () => stream(bytes)]);
      equal(await content);
      assert.deepEqual(asked.map(({ fresh }) => fresh), [false, true]);
    });
    test(`${name}, ${kind} twice: damaged`, async () => {
      const { content } = await read([() => stream(spoil(bytes))]);
      await assert.rejects(content, (problem) => (
        problem instanceof AssetError && problem.what === 'damaged' && problem.message.includes('“weights”')));
    });
  }
}

test('a server that does not have it', async () => {
  globalThis.fetch = async () => new Response('', { status: 404 });
  const asset = fetchAsset(location);
  const { content } = await read([() => asset('weights', manifest.files.weights)]);
  await assert.rejects(content, (problem) => problem.what === 'server' && /HTTP 404/.test(problem.message));
});

test('no network', async () => {
  const { content } = await read([() => Promise.reject(new TypeError('Failed to fetch'))]);
  await assert.rejects(content, (problem) => problem.what === 'network' && /could not be loaded/.test(problem.message));
});

test('stalled: tried once more, then given up, and the connections are closed', async () => {
  const { content, asked } = await read([() => stream(small.slice(0, 50), { stalled: true })], 20_000);
  for (let i = 0; i < 20; i += 1) await turn();
  seconds(19);
  for (let i = 0; i < 20; i += 1) await turn();
  assert.equal(asked.length, 1);
  seconds(2);
  for (let i = 0; i < 20; i += 1) await turn();
  assert.deepEqual(asked.map(({ fresh, signal }) => [fresh, signal.aborted]), [[false, true], [true, false]]);
  seconds(21);
  await assert.rejects(content, (problem) => (
    problem.what === 'network' && /no byte arrived for 20 seconds/.test(problem.message)));
});

test('where a page has no checksums of its own (plain http), the browser checks either form', async () => {
  let options;
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  globalThis.fetch = async (url, given_) => { options = given_; return new Response(small); };
  await fetchAsset(location)('weights', manifest.files.weights);
  Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  const base64 = (sha) => `sha256-${Buffer.from(sha, 'hex').toString('base64')}`;
  assert.equal(options.integrity, `${base64(entry.sha256)} ${base64(entry.raw_sha256)}`);
});
