// The site's one Python, behind a port per page. The same script is a module SharedWorker (all pages and embeds of a
// visit share it), a dedicated module Worker, or, bundled, a classic worker in a single-file export.
//
// page -> here    open {client, name, page, shows}   patch {client, seq, events}   close {client}   restart
// here -> page    progress {step, loaded, total}   open {client, models, ms, bytes, how, reason}
//                 patch {client, events}   idle {client, seq}   wait {client, message}
//                 error {client, message, trace, what}   failed {what, message}   restarted
//                 hello {lock}   busy {busy}
//
// While Python works this thread hears and says nothing. So that nobody takes it for dead, it says `busy` to all pages
// before each piece of work, and when there is no more; and as long as it lives it holds a lock, for whose end the
// pages wait (connection.js).
import { forbidden } from './causes.js';
import { AssetError, Files, addFiles, boot, fetchAsset, resume } from './python.js';

/* global MANIFEST */
const manifest = globalThis.explainerManifest ?? MANIFEST;
const asked = (() => {
  try { return new URL(self.location.href).searchParams; } catch { return new URLSearchParams(); }
})();
const asset = globalThis.explainerAsset ?? fetchAsset(new URL('.', self.location.href));

const PATIENCE = globalThis.explainerAsset ? Infinity // ms without a byte
  : 1000 * Math.min(Math.max(Number(asked.get('patience')) || 20, 1), 600);

const ports = new Map(); // client -> port
const everyone = new Set(); // ports
let last = null; // the last progress message, for pages that come later
let python = null; // promise of {session, how, reason, bytes}
let dead = null; // why Python cannot go on: a 'failed' message
let attempt = null; // the Files of the Python that starts or runs
const fetched = new Set(); // the packs that Python has been given since it is there, and the kinds of LEFT
const wanted = new Set(); // the packs of the pages that have been opened so far
let expect = () => {}; // (pack) => it is fetched beside what starts
let lacking = null; // what the work at hand has just asked for in vain
let warming = 0; // timer
let queue = Promise.resolve(); // messages are worked on one at a time, in order
let pending = 0; // how many wait or are worked on
let hello = null; // the message that names our lock, once we hold it

const tell = (message) => { for (const port of everyone) port.postMessage(message); };
const words = (problem) => (
  String(problem?.message ?? problem).split('\n').filter(Boolean).at(-1)?.slice(0, 300) ?? 'no reason given');

const busy = () => ({ type: 'busy', busy: pending > 0 });

/** Work on something when all that came before is done; every page hears that there is work. */
function enqueue(work) {
  pending += 1;
  queue = queue.then(async () => {
    tell(busy());
    try { await work(); } catch (problem) { console.warn(problem); }
    pending -= 1;
    if (!pending) tell(busy());
  });
}

function start() {
  dead = null;
  fetched.clear();
  python = begin().catch(async (problem) => {
    attempt?.stop();
    const directive = await forbidden();
    if (directive) {
      dead = failed(
        'policy', `Python may not start: the server forbids it by its Content-Security-Policy (${directive}).`);
    } else if (problem instanceof AssetError) {
      dead = failed(problem.what, `Python could not be loaded. ${words(problem)}`);
    } else dead = failed(problem.what ?? 'python', `Python could not start in this browser. ${words(problem)}`);
    tell(dead);
    throw problem;
  });
  python.catch(() => {}); // whoever waits for it hears of it
}

const failed = (what, message) => ({ type: 'failed', what, message });
const unable = (what, message) => Object.assign(new Error(message), { what });

/** Whether this browser can run Python at all; raises what it lacks. */
function able() {
  if (typeof WebAssembly !== 'object') throw unable('webassembly', 'It has no WebAssembly.');
  if (typeof TransformStream !== 'function') throw unable('browser', 'It is too old: it lacks TransformStream.');
  try { // the smallest there is
    new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  } catch (problem) {
    throw unable(
      /policy|csp|unsafe-eval/i.test(problem.message) ? 'policy' : 'webassembly',
      `WebAssembly is refused: ${words(problem)}`,
    );
  }
}

async function begin() {
  let total = 0;
  let loaded = 0;
  let step = 'Fetching';
  const report = () => tell(last = { type: 'progress', step, loaded: Math.min(loaded, total), total });
  let reported = 0;
  const files = new Files(manifest, asset, (n) => {
    loaded += n;
    if (loaded - reported > 200_000 || loaded >= total) { reported = loaded; report(); }
  }, PATIENCE);
  attempt = files;
  const steps = (text) => { step = text; report(); };
  const need = (names) => names.reduce((sum, name) => sum + manifest.files[name].bytes, 0);
  const ordinarily = () => loaded + need(
    [...manifest.boot.filter((name) => !files.made.has(name)), ...(loaded ? [] : wanted)]);
  const beside = (name) => files.bytesOf(name).catch(() => {}); // who needs it hears of it
  expect = (name) => { total += need([name]); beside(name); };
  wanted.forEach(beside);

  able();
  let py;
  let how = 'resumed';
  let reason = '';
  try {
    if (asked.get('how') === 'boot') throw new Error('asked for in the address');
    if (!manifest.resume.length) throw new Error('a preview has no snapshot');
    total = need([...manifest.resume, ...wanted]);
    py = await resume(files, steps);
  } catch (problem) {
    how = 'booted';
    reason = words(problem);
    total = ordinarily();
    py = await boot(files, steps);
  }
  let session;
  const connect = () => {
    session = py.pyimport('explainer.host.session');
    session.connect((client, json) => {
      const message = JSON.parse(json);
      if (message.type === 'error' && (lacking = lackOf(message.trace, how))) return;
      ports.get(client)?.postMessage({ ...message, client });
    });
    session.reseed(crypto.getRandomValues(new Uint8Array(32)));
  };
  try {
    connect();
  } catch (problem) {
    if (how === 'booted') throw problem;
    how = 'booted'; // resumed, but not usable
    reason = words(problem);
    total = ordinarily();
    py = await boot(files, steps);
    connect();
  }
  expect = () => {};
  steps('Opening the page');
  files.onBytes = () => {}; // what is fetched from now on is no start
  return { py, session, how, reason, files };
}

// What a resumed Python has left behind, and the exception that says so
const LEFT = {
  soon: {
    files: manifest.soon,
    when: /MissingCheckpoint|ModuleNotFoundError/,
    name: 'What figures are computed with',
    words: 'What figures are computed with is being fetched.',
  },
  models: {
    files: ['family'],
    when: /MissingCheckpoint/,
    name: 'The smaller models',
    words: 'The smaller models are being fetched.',
  },
  python: {
    files: ['stdlib', 'python'],
    when: /ModuleNotFoundError|FileNotFoundError/,
    name: 'A part of Python',
    words: 'A part of Python that is rarely needed is being fetched.',
  },
};
const lackOf = (trace, how) => (how === 'resumed'
  ? Object.keys(LEFT).find((name) => !fetched.has(name) && LEFT[name].when.test(trace)) : null) ?? null;

/** The pack of a page, by its folder; null where there is none (a preview). */
const packOf = (page) => (Object.hasOwn(manifest.files, `page-${page}`) ? `page-${page}` : null);

/** Give Python a page's code, unless it has it. */
async function bring({ py, files }, name) {
  if (!name || fetched.has(name)) return;
  try {
    await addFiles(py, files, [name]);
  } finally { // what could not be had may be had at the next try
    files.made.delete(name);
  }
  fetched.add(name);
}

/** What the first drawing needs and going live does not: fetched as soon as a page is live, once. */
function soon(live) {
  if (live.how !== 'resumed' || fetched.has('soon')) return null;
  live.soon ??= addFiles(live.py, live.files, manifest.soon).then(() => { fetched.add('soon'); }).catch((problem) => {
    live.soon = null;
    for (const name of manifest.soon) live.files.made.delete(name);
    problem.message = `${LEFT.soon.name} could not be had. ${problem.message}`;
    throw problem;
  });
  return live.soon;
}

/** Wait for that, and say so where it takes long. */
async function ready(live, tell = () => {}) {
  const coming = soon(live);
  if (!coming) return;
  const timer = setTimeout(() => tell({ type: 'wait', message: LEFT.soon.words }), 2000);
  try { await coming; } finally { clearTimeout(timer); }
  tell({ type: 'wait', message: '' });
}

/** Do `work`; when it asks for something that a resumed Python has left behind, fetch that and do it `again`. */
async function complete(live, tell, work, again) {
  const { py, files, how } = live;
  for (let next = work; ; next = again) {
    lacking = null;
    let result;
    try { result = next(); } catch (problem) {
      if (!(lacking = lackOf(String(problem?.message ?? problem), how))) throw problem;
    }
    if (!lacking) return result;
    if (lacking === 'soon') { await ready(live, tell); continue; }
    tell({ type: 'wait', message: LEFT[lacking].words });
    fetched.add(lacking);
    try { await addFiles(py, files, LEFT[lacking].files); } catch (problem) {
      fetched.delete(lacking);
      files.made.clear(); // what could not be had may be had at the next try
      if (problem instanceof AssetError) problem.message = `${LEFT[lacking].name} could not be had. ${problem.message}`;
      throw problem;
    }
    tell({ type: 'wait', message: '' });
  }
}

/** Whether an exception means that this Python can do no more (a trap, not an exception of Python's own, nor a lost
 * file). */
const isFatal = (problem) => (
  !(problem instanceof AssetError) && problem?.name !== 'PythonError' && problem?.constructor?.name !== 'PythonError');

function died(problem) {
  dead = failed('crash', `Python has crashed (${words(problem)}).`);
  tell(dead);
}

/** Let what has arrived in the meantime be heard. */
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
});

/** The first moves would wait for weights, and for the browser to compile what is used often: draw for `left` ms in
 * what is free time so far. Every turn stands at the end of the queue, so whatever the reader does comes first. */
function warmUp(port, client, left) {
  if (left > 0) breathe().then(() => enqueue(() => handle(port, { type: 'warm', client, left })));
}

async function handle(port, message) {
  const { type, client } = message;
  if (type === 'close' && port !== self) everyone.delete(port);
  if (type === 'restart') return dead ? restart() : port.postMessage({ type: 'restarted' }); // another page was quicker
  if (type === 'open') {
    ports.set(client, port);
    if (dead) return port.postMessage(dead);
    if (last) port.postMessage(last);
  }
  let live;
  try { live = await python; } catch { return undefined; } // every page has been told
  if (dead) return type === 'open' ? port.postMessage(dead) : undefined;
  const { session, how, reason, files } = live;
  const tellPage = (what) => port.postMessage({ ...what, client });
  try {
    if (type === 'open') {
      try { await bring(live, packOf(message.page)); } catch (problem) {
        if (!(problem instanceof AssetError)) throw problem;
        return tellPage(failed(problem.what, `The code of this page could not be loaded. ${words(problem)}`));
      }
      const make = () => session.open(client, message.name, message.page, JSON.stringify(message.shows ?? {}));
      const { models } = JSON.parse(await complete(live, tellPage, make, make));
      port.postMessage({
        type: 'open', client, models, ms: performance.now() - message.at, bytes: files.bytes, how, reason,
      });
      soon(live)?.catch(() => {}); // who needs it hears of it
      clearTimeout(warming); // other figures of the same page may still come, and what the reader has already asked for
      if (!live.warm) warming = setTimeout(() => { live.warm = true; warmUp(port, client, 600); }, 300);
    } else if (type === 'patch') {
      await ready(live, tellPage);
      await complete(
        live, tellPage,
        () => session.receive(client, JSON.stringify(message.events)),
        () => session.redraw(client),
      );
      port.postMessage({ type: 'idle', client, seq: message.seq });
    } else if (type === 'warm') {
      try { await soon(live); } catch { return; } // it is to be had when something asks for it
      const began = performance.now();
      if (session.warm(client)) warmUp(port, client, message.left - (performance.now() - began));
    } else if (type === 'close') {
      ports.delete(client);
      session.close(client);
    }
  } catch (problem) {
    if (isFatal(problem)) return died(problem);
    port.postMessage({
      type: 'error', client,
      message: words(problem), trace: String(problem?.message ?? problem), what: problem?.what,
    });
    if (type === 'patch') port.postMessage({ type: 'idle', client, seq: message.seq });
  }
}

/** Begin again with a fresh Python; every page is told and opens its document anew, with what its reader had. */
async function restart() {
  const before = python;
  python = null;
  ports.clear();
  before?.then(({ session }) => session.destroy?.()).catch(() => {});
  start();
  try { await python; } catch { return; }
  tell({ type: 'restarted' });
}

function listen(port) {
  everyone.add(port);
  if (hello) port.postMessage(hello);
  port.postMessage(busy());
  port.onmessage = ({ data }) => {
    const message = { ...data, at: performance.now() };
    const pack = message.type === 'open' ? packOf(message.page) : null;
    if (pack && !wanted.has(pack)) { wanted.add(pack); expect(pack); }
    if (message.type === 'open' && last && !dead) port.postMessage(last);
    enqueue(() => handle(port, message));
  };
}

/** Hold a lock for life: pages that ask for it get it when this worker is no more. Where there are no locks, silence
 * must do. */
function hold() {
  const lock = `transformer-explainer ${Math.random().toString(36).slice(2)} ${Date.now()}`;
  self.navigator?.locks?.request(lock, () => {
    tell(hello = { type: 'hello', lock });
    return new Promise(() => {});
  }).catch(() => {});
}

hold();
start();
if ('onconnect' in self) self.onconnect = ({ ports: [port] }) => listen(port);
else listen(self);
