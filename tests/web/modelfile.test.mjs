// The parts of a model's file: fetched, checked, kept, and not fetched again (build/web/modelfile.js).
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { CACHE, forget, kept as keptOf } from '../../build/web/kept.js';
import { ModelError, download } from '../../build/web/modelfile.js';

const folder = new URL('https://a.example/site/models/tiny/');
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251);
const parts = [0, 1, 2, 3, 4].map((i) => {
  const data = bytes.slice(i * 220, (i + 1) * 220);
  return { url: `0${i}.bin`, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex'), data };
});
const manifest = {
  name: 'tiny', file: 'tiny.gguf', bytes: 1000, memory: 1, parts: parts.map(({ data, ...said }) => said),
};

let asked;
let kept;
let broken; // url -> how many more times it arrives damaged, or never
let online;
let gone; // whether the whole cache was let go
const never = () => {};
beforeEach(() => {
  asked = [];
  broken = {};
  kept = new Map();
  online = true;
  globalThis.caches = {
    delete: async (name) => { assert.equal(name, CACHE); gone = true; },
    open: async () => ({
      match: async (url) => kept.get(String(url.url ?? url))?.clone(),
      put: async (url, response) => { kept.set(String(url), response.clone()); },
      keys: async () => [...kept.keys()].map((url) => ({ url })),
      delete: async (request) => kept.delete(request.url),
    }),
  };
  globalThis.fetch = async (url, { signal } = {}) => {
    signal?.throwIfAborted();
    if (!online) throw new TypeError('Failed to fetch');
    const name = String(url).slice(folder.href.length);
    asked.push(name);
    if (name === 'manifest.json' && broken[name] !== 'hangs') return Response.json(manifest);
    const part = parts.find((each) => each.url === name);
    if (broken[name] === 'hangs') {
      return new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
    }
    if (broken[name] === 'stalls' || broken[name] === 'stalls once') {
      if (broken[name] === 'stalls once') broken[name] = 0;
      return new Response(new ReadableStream({
        start(controller) {
          controller.enqueue(part.data.slice(0, 10));
          signal.addEventListener('abort', () => controller.error(signal.reason));
        },
      }));
    }
    if (broken[name]-- > 0) return new Response(part.data.toReversed());
    return new Response(part.data);
  };
});
const contents = async (blob) => new Uint8Array(await blob.arrayBuffer());

test('all parts, in order, with progress up to the last byte', async () => {
  const said = [];
  const { blob } = await download(folder, (p) => said.push({ ...p }), new AbortController().signal);
  assert.deepEqual(await contents(blob), bytes);
  assert.deepEqual(said.at(-1), { loaded: 1000, total: 1000, kept: 0 });
  assert.ok(said.every((p, i) => !i || p.loaded > said[i - 1].loaded));
});

test('a second time nothing is fetched but the list', async () => {
  const { signal } = new AbortController();
  assert.deepEqual(await keptOf(folder), { bytes: 0, total: 0 });
  await download(folder, never, signal);
  assert.deepEqual(await keptOf(folder), { bytes: 1000, total: 1000 });
  asked = [];
  let last;
  const { blob } = await download(folder, (p) => { last = { ...p }; }, signal);
  assert.deepEqual(asked, ['manifest.json']);
  assert.deepEqual(last, { loaded: 1000, total: 1000, kept: 1000 });
  assert.deepEqual(await contents(blob), bytes);
});

test('what was cancelled goes on where it was', async () => {
  const cancel = new AbortController();
  broken['03.bin'] = 'hangs';
  const enough = ({ loaded }) => { if (loaded >= 700) cancel.abort(new Error('cancelled')); };
  const running = download(folder, enough, cancel.signal);
  await assert.rejects(running, /cancelled/);
  const had = kept.size;
  assert.equal(had, 1 + 4); // the list, and all but the part that hung
  assert.deepEqual(await keptOf(folder), { bytes: 780, total: 1000 });
  broken = {};
  asked = [];
  const { blob } = await download(folder, never, new AbortController().signal);
  assert.deepEqual(asked, ['manifest.json', '03.bin']);
  assert.deepEqual(await contents(blob), bytes);
});

test('a damaged part is fetched again, and after three times a sentence', async () => {
  broken['02.bin'] = 2;
  const { blob } = await download(folder, never, new AbortController().signal);
  assert.deepEqual(await contents(blob), bytes);
  assert.equal(asked.filter((name) => name === '02.bin').length, 3);
  kept.clear();
  broken['02.bin'] = 3;
  await assert.rejects(download(folder, never, new AbortController().signal), (problem) => (
    problem instanceof ModelError && problem.message === '02.bin has arrived damaged.'));
});

test('a connection that stalls is given up, tried again, and said, with what has come kept', async () => {
  const PATIENCE = 500;
  broken['03.bin'] = 'stalls once';
  let last;
  const keep = (p) => { last = { ...p }; };
  const { blob } = await download(folder, keep, new AbortController().signal, PATIENCE);
  assert.deepEqual(await contents(blob), bytes);
  assert.deepEqual(last, { loaded: 1000, total: 1000, kept: 0 }, 'the ten bytes that came in vain are not counted');
  kept.clear();
  asked = [];
  broken['03.bin'] = 'stalls';
  await assert.rejects(download(folder, never, new AbortController().signal, PATIENCE), (problem) => (
    problem instanceof ModelError && /^03\.bin stopped coming: .* it goes on from there\.$/.test(problem.message)));
  assert.equal(asked.filter((name) => name === '03.bin').length, 3);
  assert.deepEqual(await keptOf(folder), { bytes: 780, total: 1000 });
  kept.clear();
  broken = { 'manifest.json': 'hangs' };
  await assert.rejects(download(folder, never, new AbortController().signal, PATIENCE), /no answer from the server/);
});

test('what the cache holds is checked, too', async () => {
  await download(folder, never, new AbortController().signal);
  kept.set(`${folder.href}01.bin`, new Response(new Uint8Array(220)));
  asked = [];
  const { blob } = await download(folder, never, new AbortController().signal);
  assert.deepEqual(asked, ['manifest.json', '01.bin']);
  assert.deepEqual(await contents(blob), bytes);
});

test('without a cache it works, and forgetting leaves nothing', async () => {
  await download(folder, never, new AbortController().signal);
  kept.set('https://a.example/other/models/x/manifest.json', Response.json(manifest)); // another site's
  assert.equal(await forget(new URL('https://a.example/site/models/')), true);
  assert.deepEqual([...kept.keys()], ['https://a.example/other/models/x/manifest.json']);
  assert.ok(!gone);
  assert.equal(await forget(folder), false);
  kept.clear();
  await download(folder, never, new AbortController().signal);
  await forget(folder);
  assert.equal(kept.size, 0);
  assert.ok(gone);
  globalThis.caches = { open: async () => { throw new Error('not here'); } };
  const { blob } = await download(folder, never, new AbortController().signal);
  assert.deepEqual(await contents(blob), bytes);
  assert.equal(await keptOf(folder), null);
  assert.equal(await forget(folder), false);
});

test('what was fetched once needs no network, nor a server that has it still', async () => {
  await download(folder, never, new AbortController().signal);
  for (const none of [
    () => { online = false; },
    () => { globalThis.fetch = async () => new Response('', { status: 404 }); },
    () => { globalThis.fetch = async () => new Response('<html>Sign in to this network</html>'); },
  ]) {
    none();
    const { blob } = await download(folder, never, new AbortController().signal);
    assert.deepEqual(await contents(blob), bytes);
  }
  kept.delete(`${folder.href}04.bin`);
  await assert.rejects(download(folder, never, new AbortController().signal), /04\.bin/);
});

test('without a network and with nothing kept, that is what is said', async () => {
  online = false;
  await assert.rejects(download(folder, never, new AbortController().signal), /could not be fetched \(no answer/);
});

test('parts that are on no list any more do not stay', async () => {
  await download(folder, never, new AbortController().signal);
  kept.set(`${folder.href}05.bin`, new Response('of an older build'));
  await download(folder, never, new AbortController().signal);
  assert.equal(kept.size, 1 + 5);
});

test('where a page has no checksums of its own (plain http), the browser checks what is fetched', async () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    globalThis.caches = undefined; // nor anything that is kept
    const serve = globalThis.fetch;
    const sums = {};
    globalThis.fetch = (url, options) => {
      sums[String(url).slice(-6)] = options.integrity;
      return serve(url, options);
    };
    const { blob } = await download(folder, never, new AbortController().signal);
    assert.deepEqual(await contents(blob), bytes);
    const sum = Buffer.from(parts[2].sha256, 'hex').toString('base64');
    assert.equal(sums['02.bin'], `sha256-${sum}`);
  } finally { Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true }); }
});

test('a site without the model says so', async () => {
  globalThis.fetch = async () => new Response('', { status: 404 });
  await assert.rejects(download(folder, never, new AbortController().signal), /built without that model/);
});
