// The site's one Python, behind a port per page. The same script is a module SharedWorker (all pages and embeds of a
// visit share it), a dedicated module Worker, or, bundled, a classic worker in a single-file export.
//
// page -> here    open {client, name, page, shows}   patch {client, seq, events}   close {client}   restart
//                 model {client, request, name, files?}   cancel {client, request}: a further model (loads.js)
//                 leave {client}   left: an end to this worker, and that the page knows of it
// here -> page    progress {step, loaded, total}   open {client, models, holds, ms, bytes, how, reason}
//                 patch {client, events}   idle {client, seq}   wait {client, message}
//                 error {client, message, trace, what}   failed {what, message}   restarted
//                 hello {lock}   busy {busy}
//                 model {client, request, name, state: fetching | reading | there | cancelled | failed, ...}
//                 holds {model}: the further model that Python holds now, or null   leaving: this worker ends
//
// While Python works this thread hears and says nothing. So that nobody takes it for dead, it says `busy` to all pages
// before each piece of work, and when there is no more; and as long as it lives it holds a lock, for whose end the
// pages wait (connection.js).
import { forbidden } from './causes.js';
import { Loads } from './loads.js';
import { ModelError, download, slicer } from './modelfile.js';
import { AssetError, Files, addFiles, boot, fetchAsset, resume } from './python.js';
import { afterTurns } from './turns.js';

/* global MANIFEST */
const manifest = globalThis.explainerManifest ?? MANIFEST;
const asked = (() => {
  try { return new URL(self.location.href).searchParams; } catch { return new URLSearchParams(); }
})();
const asset = globalThis.explainerAsset ?? fetchAsset(new URL('.', self.location.href));

const GOODBYE = 1000; // ms within which pages hear that this worker ends
const PATIENCE = globalThis.explainerAsset ? Infinity // ms without a byte
  : 1000 * Math.min(Math.max(Number(asked.get('patience')) || 20, 1), 600);

/** @typedef {{
 *   py: any, session: any, how: 'resumed' | 'booted', reason: string, files: Files,
 *   soon?: Promise<void> | null, warm?: boolean,
 * }} Live a Python that is there */
/** @typedef {{
 *   postMessage(message: any): void, onmessage: ((event: MessageEvent) => any) | null,
 * }} Hearer a page's port, or this worker itself */
/** @typedef {(message: object) => void} Tell */

/** @type {Map<string, Hearer>} by client */
const ports = new Map();
/** @type {Set<Hearer>} */
const everyone = new Set();
/** @type {object | null} the last progress message, for pages that come later */
let last = null;
/** @type {Promise<Live> | null} */
let python = null;
/** @type {(Fault & {type: string}) | null} why Python cannot go on: a 'failed' message */
let dead = null;
/** @type {Files | null} of the Python that starts or runs */
let attempt = null;
/** @type {Set<string>} */
const fetched = new Set(); // the packs that Python has been given since it is there, and the kinds of LEFT
/** @type {Set<string>} */
const wanted = new Set(); // the packs of the pages that have been opened so far
/** @type {(pack: string) => void} */
let expect = () => {}; // it is fetched beside what starts
/** @type {Left | null} */
let lacking = null; // what the work at hand has just asked for in vain
let warming = 0; // timer
let queue = Promise.resolve(); // messages are worked on one at a time, in order
let pending = 0; // how many wait or are worked on
/** @type {object | null} */
let holds = null; // what Python says of the further model that it holds
/** @type {Set<Hearer> | null} */
let leaving = null; // the pages that have not yet heard that this worker ends
/** @type {object | null} */
let hello = null; // the message that names our lock, once we hold it

/** @type {Tell} */
const tell = (message) => { for (const port of everyone) port.postMessage(message); };
/** @param {unknown} problem */
const whole = (problem) => String(/** @type {Error | undefined} */ (problem)?.message ?? problem);
/** @param {unknown} problem */
const words = (problem) => (
  whole(problem).split('\n').filter(Boolean).at(-1)?.slice(0, 300) ?? 'no reason given');

const busy = () => ({ type: 'busy', busy: pending > 0 });

/** Work on something when all that came before is done; every page hears that there is work.
 * @param {() => unknown} work */
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
  holds = null;
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

/** @param {string} what @param {string} message */
const failed = (what, message) => ({ type: 'failed', what, message });
/** @param {string} what @param {string} message */
const unable = (what, message) => Object.assign(new Error(message), { what });

/** Whether this browser can run Python at all; raises what it lacks. */
function able() {
  if (typeof WebAssembly !== 'object') throw unable('webassembly', 'It has no WebAssembly.');
  if (typeof TransformStream !== 'function') throw unable('browser', 'It is too old: it lacks TransformStream.');
  try { // the smallest there is
    new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  } catch (problem) {
    throw unable(
      /policy|csp|unsafe-eval/i.test(whole(problem)) ? 'policy' : 'webassembly',
      `WebAssembly is refused: ${words(problem)}`,
    );
  }
}

/** @returns {Promise<Live>} */
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
  /** @param {string} text */
  const steps = (text) => { step = text; report(); };
  /** @param {string[]} names */
  const need = (names) => names.reduce((sum, name) => sum + manifest.files[name].bytes, 0);
  const ordinarily = () => loaded + need(
    [...manifest.boot.filter((name) => !files.made.has(name)), ...(loaded ? [] : wanted)]);
  /** @param {string} name */
  const beside = (name) => files.bytesOf(name).catch(() => {}); // who needs it hears of it
  expect = (name) => { total += need([name]); beside(name); };
  wanted.forEach(beside);

  able();
  /** @type {any} */
  let py;
  /** @type {Live['how']} */
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
  /** @type {any} */
  let session;
  const connect = () => {
    session = py.pyimport('explainer.host.session');
    session.connect((/** @type {string} */ client, /** @type {string} */ json) => {
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
/** @typedef {keyof typeof LEFT | `late-${string}`} Left */
const KINDS = /** @type {(keyof typeof LEFT)[]} */ (Object.keys(LEFT));
/** What a figure fetches when it asks for it (explainer/kernel/later.py), however Python came to be.
 * @param {string} trace */
const lateOf = (trace) => {
  const name = /** @type {const} */ (`late-${/NotHereYet: .* late group ([\w-]+)/.exec(trace)?.[1]}`);
  return Object.hasOwn(manifest.files, name) && !fetched.has(name) ? name : null;
};
/** @param {string} trace @param {Live['how']} how @returns {Left | null} */
const lackOf = (trace, how) => lateOf(trace) ?? (how === 'resumed'
  ? KINDS.find((name) => !fetched.has(name) && LEFT[name].when.test(trace)) : null) ?? null;
/** What to fetch then, and how to say it. @param {Left} lack */
const told = (lack) => (Object.hasOwn(LEFT, lack) ? LEFT[/** @type {keyof typeof LEFT} */ (lack)] : {
  files: [lack],
  name: 'What a figure shows',
  words: `What this figure shows is being fetched (${Math.round(manifest.files[lack].bytes / 1000)} kB).`,
});

/** The pack of a page, by its folder; null where there is none (a preview).
 * @param {string} page */
const packOf = (page) => (Object.hasOwn(manifest.files, `page-${page}`) ? `page-${page}` : null);

/** Give Python a page's code, unless it has it. @param {Live} live @param {string | null} name */
async function bring({ py, files }, name) {
  if (!name || fetched.has(name)) return;
  try {
    await addFiles(py, files, [name]);
  } finally { // what could not be had may be had at the next try
    files.made.delete(name);
  }
  fetched.add(name);
}

/** What the first drawing needs and going live does not: fetched as soon as a page is live, once. @param {Live} live */
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

/** Wait for that, and say so where it takes long. @param {Live} live @param {Tell} tell */
async function ready(live, tell) {
  const coming = soon(live);
  if (!coming) return;
  const timer = setTimeout(() => tell({ type: 'wait', message: LEFT.soon.words }), 2000);
  try { await coming; } finally { clearTimeout(timer); }
  tell({ type: 'wait', message: '' });
}

/** Do `work`; when it asks for something that a resumed Python has left behind, fetch that and do it `again`.
 * @param {Live} live @param {Tell} tell @param {() => any} work @param {() => any} again */
async function complete(live, tell, work, again) {
  const { py, files, how } = live;
  for (let next = work; ; next = again) {
    lacking = null;
    let result;
    try { result = next(); } catch (problem) {
      if (!(lacking = lackOf(whole(problem), how))) throw problem;
    }
    if (!lacking) return result;
    if (lacking === 'soon') { await ready(live, tell); continue; }
    const { words: said, files: packs, name } = told(lacking);
    tell({ type: 'wait', message: said });
    fetched.add(lacking);
    try { await addFiles(py, files, packs); } catch (problem) {
      fetched.delete(lacking);
      files.made.clear(); // what could not be had may be had at the next try
      if (problem instanceof AssetError) problem.message = `${name} could not be had. ${problem.message}`;
      throw problem;
    }
    tell({ type: 'wait', message: '' });
  }
}

/** Whether an exception means that this Python can do no more (a trap, not an exception of Python's own, nor a lost
 * file). @param {any} problem */
const isFatal = (problem) => (
  !(problem instanceof AssetError) && problem?.name !== 'PythonError' && problem?.constructor?.name !== 'PythonError');

/** @param {unknown} problem */
function died(problem) {
  dead = failed('crash', `Python has crashed (${words(problem)}).`);
  tell(dead);
}

/** Let what has arrived in the meantime be heard. @returns {Promise<void>} */
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
});

/** The first moves would wait for weights, and for the browser to compile what is used often: draw for `left` ms in
 * what is free time so far. Every turn stands at the end of the queue, so whatever the reader does comes first.
 * @param {Hearer} port @param {string} client @param {number} left */
function warmUp(port, client, left) {
  if (left > 0) breathe().then(() => enqueue(() => handle(port, { type: 'warm', client, left })));
}

/** @type {Set<string>} */
const working = new Set(); // the clients for whom a slice of work waits in the queue

/** A training goes on by itself, in slices: each stands at the end of the queue, behind whatever readers do on this
 * page or another, and behind the slices of other pages' trainings, so that these share the time evenly.
 * @param {Live} live @param {Hearer} port @param {string} client */
function goOn({ session }, port, client) {
  if (working.has(client) || !session.has_work(client)) return;
  working.add(client);
  breathe().then(() => enqueue(() => handle(port, { type: 'work', client })));
}

/** @param {Hearer} port @param {any} message */
async function handle(port, message) {
  const { type, client } = message;
  if (type === 'close') {
    loads.end(client);
    if (port !== self) everyone.delete(port);
  }
  if (type === 'leave') return goodbye();
  if (type === 'restart') return dead ? restart() : port.postMessage({ type: 'restarted' }); // another page was quicker
  if (type === 'open') {
    ports.set(client, port);
    if (dead) return port.postMessage(dead);
    if (last) port.postMessage(last);
  }
  let live;
  try { live = await python; } catch { return undefined; } // every page has been told
  if (!live) return undefined;
  if (dead) return type === 'open' ? port.postMessage(dead) : undefined;
  const { session, how, reason, files } = live;
  /** @type {Tell} */
  const tellPage = (what) => port.postMessage({ ...what, client });
  try {
    if (type === 'open') {
      try { await bring(live, packOf(message.page)); } catch (problem) {
        if (!(problem instanceof AssetError)) throw problem;
        return tellPage(failed(problem.what, `The code of this page could not be loaded. ${words(problem)}`));
      }
      /** @param {Values} [values] */
      const made = (values = {}) => {
        const make = () => session.open(
          client, message.name, message.page, JSON.stringify(message.shows ?? {}), JSON.stringify(values));
        return complete(live, tellPage, make, make);
      };
      let opened;
      try { opened = await made(message.values); } catch (problem) {
        if (!message.values || problem instanceof AssetError || isFatal(problem)) throw problem;
        opened = await made(); // the page asks for them once it is live, and is told then what is wrong with them
      }
      const { models } = JSON.parse(opened);
      port.postMessage({
        type: 'open', client, models, holds, ms: performance.now() - message.at, bytes: files.bytes, how, reason,
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
      goOn(live, port, client);
    } else if (type === 'work') {
      working.delete(client);
      if (session.work(client)) goOn(live, port, client);
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
      message: words(problem), trace: whole(problem), what: /** @type {Partial<Fault> | undefined} */ (problem)?.what,
    });
    if (type === 'patch') port.postMessage({ type: 'idle', client, seq: message.seq });
  }
}

// ---- a further model (modelfile.js, explainer/host/models.py)

/** Bytes that Python may still grow by: WebAssembly ends at 4 GB, and a small machine should not be asked for all.
 * @param {any} py */
function room(py) {
  const memory = /** @type {{deviceMemory?: number}} */ (self.navigator).deviceMemory ?? 8; // GB, 8 at most is told
  return Math.max(0, Math.min(4 * 2 ** 30, memory * 2 ** 30 / 2) - py._module.HEAPU8.length);
}

/** The Python that is there. Raises why there is none, as every page has been told it. @returns {Promise<Live>} */
async function there() {
  let live;
  try { live = await python; } catch { /* `dead` says why */ }
  if (dead || !live) throw new ModelError(dead?.message ?? 'Python is not there.');
  return live;
}

/** Every page hears what Python holds now. @param {Live} live */
function tellHeld({ py }) {
  holds = JSON.parse(py.pyimport('explainer.host.models').holding());
  tell({ type: 'holds', model: holds });
}

/** Have Python read a model, after what it lacks for that has been fetched; returns what it says of it.
 * @param {string} name @param {import('./loads.js').Slices} slices */
async function readModel(name, slices) {
  const live = await there();
  try {
    if (live.how === 'resumed') await soon(live);
    await bring(live, 'model');
    const host = live.py.pyimport('explainer.host.models');
    const { model, problem } = JSON.parse(host.take(name, slices, room(live.py)));
    tellHeld(live);
    if (problem) throw new ModelError(problem);
    return model;
  } catch (problem) {
    if (problem instanceof ModelError) throw problem;
    if (!isFatal(problem)) tellHeld(live); else died(problem);
    throw new ModelError(dead?.message ?? words(problem));
  }
}

/** The downloads do not stand in the queue: pages stay alive meanwhile. */
const loads = new Loads({
  ready: there,
  here: (name) => (/** @type {any} */ (holds)?.name === name ? holds : null),
  own: (files) => files.map((file) => [file.name, file.size, slicer(file)]),
  async fetch(name, report, signal) {
    if (globalThis.explainerAsset) throw new ModelError('A page in one file has no further model.');
    if (!/^[a-z0-9-]+$/.test(name)) throw new ModelError('There is no model of that name.');
    const { manifest: list, blob } = await download(new URL(`../models/${name}/`, self.location.href), report, signal);
    return [[list.file, blob.size, slicer(blob)]];
  },
  queue: enqueue,
  read: readModel,
});

/** End: memory that was taken comes back at once only so. Pages start another worker; that this end was meant, and is
 * no crash, they must have heard before they find it out by the lock. */
function goodbye() {
  if (leaving) return;
  leaving = new Set(everyone);
  tell({ type: 'leaving' });
  afterTurns(GOODBYE, () => self.close()); // a page that is asleep does not answer
}

/** @param {Hearer} port */
function heard(port) {
  leaving?.delete(port);
  if (leaving && !leaving.size) self.close();
}

/** Begin again with a fresh Python; every page is told and opens its document anew, with what its reader had. */
async function restart() {
  const before = python;
  python = null;
  ports.clear();
  working.clear();
  before?.then(({ session }) => session.destroy?.()).catch(() => {});
  start();
  try { await python; } catch { return; }
  tell({ type: 'restarted' });
}

/** @param {Hearer} port */
function listen(port) {
  everyone.add(port);
  if (hello) port.postMessage(hello);
  port.postMessage(busy());
  if (leaving) port.postMessage({ type: 'leaving' });
  port.onmessage = ({ data }) => {
    const message = { ...data, at: performance.now() };
    const pack = message.type === 'open' ? packOf(message.page) : null;
    if (pack && !wanted.has(pack)) { wanted.add(pack); expect(pack); }
    if (message.type === 'open' && last && !dead) port.postMessage(last);
    const { type, client, request, name } = message;
    if (type === 'model') {
      loads.take({
        ...message, say: (state, more) => port.postMessage({ type: 'model', client, request, name, state, ...more }),
      });
      return;
    }
    if (type === 'cancel') { loads.end(client, request); return; }
    if (type === 'left') { heard(port); return; }
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
if ('onconnect' in self) self.onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => listen(port);
else listen(self);
