// The site's worker with a Python that is only written down (node:test): what pages that share it are told of further
// models, of its end, and of what is wrong. Run by test_connection.py, which hands in the bundled worker.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, test } from 'node:test';

const bundle = process.argv[2];
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const container = (head) => Buffer.concat([Buffer.from([0, 0, 0, 0, head.length, 0, 0, 0]), Buffer.from(head)]);
const EMPTY = container('[]');
const RUNTIME = {
  'pyodide.asm.wasm': Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), stdlib: Buffer.from('zip'), libraries: EMPTY,
  'page-home': EMPTY, model: EMPTY,
};
const PART = Buffer.from('weights');
const list = (name) => ({
  name, file: `${name}.gguf`, bytes: PART.length, parts: [{ url: '00.bin', bytes: PART.length, sha256: sha256(PART) }],
});

Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
Object.assign(globalThis, {
  self: globalThis, location: new URL('https://a.example/runtime/worker.js'), onconnect: null,
  explainerPyodideModule: () => {},
  explainerManifest: {
    files: Object.fromEntries(Object.entries(RUNTIME).map(([name, data]) => [name, {
      url: name, bytes: data.length, raw: data.length, sha256: sha256(data), raw_sha256: sha256(data),
    }])),
    resume: [], boot: ['stdlib', 'libraries', 'pyodide.asm.wasm'], soon: [], site: '/site', lock: {},
  },
});

let asked; // what was fetched of models
let gates; // name of a model -> lets its part through
let python; // what the Python does and has heard
let closed;
beforeEach(() => {
  asked = [];
  gates = {};
  closed = false;
  python = { held: null, opened: [], refuses: false, problem: '', starts: () => {} };
  globalThis.close = () => { closed = true; };
  globalThis.fetch = async (url, { signal } = {}) => {
    const { pathname } = new URL(url);
    if (pathname.startsWith('/runtime/')) return new Response(RUNTIME[pathname.slice('/runtime/'.length)]);
    const [, , name, file] = pathname.split('/');
    asked.push(`${name}/${file}`);
    if (file === 'manifest.json') return Response.json(list(name));
    await new Promise((resolve, reject) => {
      gates[name] = resolve;
      signal.addEventListener('abort', () => { asked.push(`${name} stopped`); reject(signal.reason); });
    });
    return new Response(PART);
  };
  globalThis.fakePyodide = async () => {
    python.starts();
    const session = {
      connect() {}, reseed() {}, close() {}, has_work: () => false, warm: () => false, receive: () => true,
      open(client, name, page, shows, values) {
        python.opened.push(values);
        if (python.refuses && values !== '{}') throw Object.assign(new Error('no'), { name: 'PythonError' });
        return JSON.stringify({ models: [] });
      },
    };
    const host = {
      take(name) {
        python.held = python.problem ? null : { name, taken: 1 };
        return JSON.stringify(python.problem ? { problem: python.problem } : { model: python.held });
      },
      holding: () => JSON.stringify(python.held),
    };
    return {
      FS: { mkdirTree() {}, writeFile() {} }, runPython() {}, _module: { HEAPU8: [] },
      pyimport: (name) => (name.endsWith('session') ? session : host),
    };
  };
});

/** In turns of a timer: whoever waits for ever has failed. */
async function until(is) {
  for (let turns = 0; !is(); turns += 1) {
    if (turns > 10_000) throw new Error(`never: ${is}`);
    await new Promise((resolve) => { setTimeout(resolve, 1); });
  }
}

let count = 0;
/** A worker of its own; returns connect(client), which returns a page. */
async function worker() {
  await import(`${bundle}?${count += 1}`);
  const { onconnect } = globalThis;
  return (client) => {
    const page = { said: [], postMessage: (message) => page.said.push(message), onmessage: null };
    onconnect({ ports: [page] });
    page.send = (message) => page.onmessage({ data: { client, ...message } });
    page.hears = async (type, state) => {
      let found;
      await until(() => {
        found = page.said.find((m) => m.type === type && (!state || m.state === state));
        const failed = page.said.find((m) => m.state === 'failed' || m.type === 'failed' || m.type === 'error');
        if (!found && failed && state !== 'failed') throw new Error(JSON.stringify(failed));
        return found;
      });
      return found;
    };
    page.states = () => page.said.filter(({ type }) => type === 'model').map(({ request, state }) => [request, state]);
    return page;
  };
}
const get = (name, request = 1) => ({ type: 'model', name, request });
const open = (values) => ({ type: 'open', name: 'home', page: 'home', values });

test('all pages are told which model Python holds: at once, and a page that comes later as it opens', async () => {
  const connect = await worker();
  const [one, two] = [connect('one'), connect('two')];
  two.send(open());
  assert.equal((await two.hears('open')).holds, null);
  one.send(get('tiny'));
  await until(() => gates.tiny);
  gates.tiny();
  assert.deepEqual((await one.hears('model', 'there')).model, { name: 'tiny', taken: 1 });
  assert.deepEqual((await two.hears('holds')).model, { name: 'tiny', taken: 1 });
  const three = connect('three');
  three.send(open());
  assert.deepEqual((await three.hears('open')).holds, { name: 'tiny', taken: 1 });
  asked = [];
  three.send(get('tiny'));
  await three.hears('model', 'there');
  assert.deepEqual(asked, []); // it is here: nothing is fetched
});

test('when one is let go of for another that then cannot be read, all pages hear that none is left', async () => {
  const connect = await worker();
  const [one, two] = [connect('one'), connect('two')];
  one.send(get('tiny'));
  await until(() => gates.tiny);
  gates.tiny();
  await one.hears('model', 'there');
  python.problem = 'mine.gguf: not a GGUF file.';
  two.said = [];
  two.send({ ...get('file'), files: [{ name: 'mine.gguf', size: 3 }] });
  assert.equal((await two.hears('model', 'failed')).message, python.problem);
  assert.equal(one.said.at(-1).type === 'busy' ? one.said.at(-2).model : one.said.at(-1).model, null);
});

test('pages share a download, which ends with the last that wants it; what each cancels is its own', async () => {
  const connect = await worker();
  const [one, two, three] = [connect('one'), connect('two'), connect('three')];
  for (const page of [one, two]) page.send(get('tiny'));
  three.send(get('other'));
  await until(() => gates.tiny && gates.other);
  one.send({ type: 'cancel', request: 1 });
  await one.hears('model', 'cancelled');
  two.send({ type: 'cancel', request: 7 }); // of another wish
  assert.deepEqual(asked.filter((what) => /bin|stopped/.test(what)).sort(), ['other/00.bin', 'tiny/00.bin']);
  three.send({ type: 'close' });
  await until(() => asked.includes('other stopped'));
  gates.tiny();
  await two.hears('model', 'there');
  assert.deepEqual(one.states(), [[1, 'cancelled']]);
  assert.deepEqual(two.states(), [[1, 'fetching'], [1, 'reading'], [1, 'there']]);
});

test('a page that asks again hears of the new wish alone', async () => {
  const page = (await worker())('one');
  page.send(get('tiny', 1));
  await until(() => gates.tiny);
  page.send(get('other', 2));
  await until(() => gates.other);
  gates.other();
  await page.hears('model', 'there');
  assert.deepEqual(page.states(), [[1, 'cancelled'], [2, 'fetching'], [2, 'reading'], [2, 'there']]);
  assert.ok(asked.includes('tiny stopped'));
});

test('where Python cannot start, nothing is fetched, and why it could not stays what all pages are told', async () => {
  python.starts = () => { throw new Error('no room for it'); };
  const connect = await worker();
  const page = connect('one');
  page.send(get('tiny'));
  const { message } = await page.hears('model', 'failed');
  assert.match(message, /could not start.*no room for it/);
  assert.deepEqual(asked, []);
  page.send(open());
  const said = page.said.filter(({ type }) => type === 'failed');
  assert.ok(said.length && said.every((one) => one.what === 'python' && /no room for it/.test(one.message)), said);
});

test('values that Python cannot take keep no page from opening: it opens without them', async () => {
  python.refuses = true;
  const page = (await worker())('one');
  page.send(open({ t: 'strange' }));
  await page.hears('open');
  assert.deepEqual(python.opened, ['{"t":"strange"}', '{}']);
  assert.ok(!page.said.some(({ type }) => type === 'error')); // the page asks for them itself, and is told then
});

test('that its end is meant, all pages have heard before it comes', async () => {
  const connect = await worker();
  const [one, two] = [connect('one'), connect('two')];
  for (const page of [one, two]) page.send(open());
  await two.hears('open');
  one.send({ type: 'leave' });
  await two.hears('leaving');
  const late = connect('late');
  await late.hears('leaving');
  one.send({ type: 'left' });
  assert.ok(!closed);
  two.send({ type: 'left' });
  assert.ok(closed);
});
