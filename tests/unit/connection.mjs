// A page's connection to Python, with a worker that is only written down and a clock that is turned by hand
// (node:test). Run by test_connection.py.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { reset, seconds, turn } from './clock.mjs';

globalThis.self = globalThis;
globalThis.location = new URL('https://host.example/post/');
globalThis.origin = 'https://host.example';
const { Connection, openWorker, portOf } = await import('../../build/web/connection.js');

const locks = {
  asked: [],
  request(name, { signal }, got) { this.asked.push({ name, signal, got }); return Promise.resolve(); },
};
Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });

let made; // workers, in the order of their making
let said; // what the page was told
let wishes;
let connection;

function connect(options = {}) {
  const tell = (what) => (detail) => said.push([what, detail]);
  connection = new Connection({
    mirror: { adopt() {}, apply() {}, id: () => 'm1' }, name: 'temperature', values: () => ({ ...wishes }),
    makeWorker(which) {
      const worker = {
        which, heard: [], shared: which.shared,
        post: (m) => worker.heard.push(m), listen: (say, err) => Object.assign(worker, { say, err }),
      };
      made.push(worker);
      return worker;
    },
    on: Object.fromEntries(
      ['progress', 'live', 'failed', 'problem', 'busy', 'wait', 'slow', 'model', 'holds']
        .map((name) => [name, tell(name)])),
    ...options,
  });
  connection.start();
  return connection;
}

/** The worker comes up and opens the page's document. */
function live(worker = made.at(-1)) {
  worker.say({ type: 'hello', lock: `lock ${made.length}` });
  worker.say({ type: 'busy', busy: true });
  worker.say({ type: 'open', client: connection.client, models: [] });
  worker.say({ type: 'busy', busy: false });
}
const told = (name) => said.filter(([what]) => what === name).map(([, detail]) => detail);
const asked = (worker) => worker.heard.filter((m) => m.type === 'patch').map((m) => m.events[0].new);
const wish = (values) => { Object.assign(wishes, values); connection.request(values); };

beforeEach(() => {
  [made, said, wishes, locks.asked] = [[], [], {}, []];
  reset();
  delete globalThis.document;
});

test('silence where no work was announced is death: '
  + 'within 5 seconds another worker, asked for what the reader had', () => {
  connect();
  live();
  wish({ t: 2 });
  made[0].say({ type: 'busy', busy: true });
  made[0].say({ type: 'idle' });
  made[0].say({ type: 'busy', busy: false });
  seconds(100); // nothing is owed
  assert.equal(made.length, 1);
  wish({ layer: 3 });
  seconds(3.5);
  assert.equal(made.length, 1);
  seconds(1);
  assert.equal(made.length, 2);
  assert.deepEqual(made[1].which, { generation: 2, shared: true }); // the other may be there still
  assert.equal(made[0].heard.at(-1).type, 'close');
  live();
  assert.deepEqual(asked(made[1]), [{ t: 2, layer: 3, '#': 3 }]);
  assert.equal(told('live').length, 2);
  assert.deepEqual(told('failed'), []);
});

test('what failed for a file that did not come is asked for at the next try, unless the reader asked for more', () => {
  connect();
  live();
  const fail = (what) => {
    made[0].say({ type: 'error', client: connection.client, message: 'It did not come.', what });
    made[0].say({ type: 'idle' });
    wishes = {}; // as operate.js: what Python holds is what holds
    connection.restart();
    made[0].say({ type: 'restarted' });
    live(made[0]);
    made[0].say({ type: 'idle' });
  };
  wish({ prompt: 'Thai' });
  fail('missing');
  assert.deepEqual(asked(made[0]).map(({ prompt }) => prompt), ['Thai', 'Thai']);
  wish({ prompt: 'Arabic' });
  fail(); // an exception: it would come again
  assert.deepEqual(asked(made[0]).map(({ prompt }) => prompt), ['Thai', 'Thai', 'Arabic']);
});

test('silence at announced work is no death; '
  + 'after half a minute the reader is told, and no more once something is heard', () => {
  connect();
  live();
  wish({ t: 2 });
  made[0].say({ type: 'busy', busy: true });
  seconds(29.5);
  assert.deepEqual(told('slow'), []);
  seconds(300);
  assert.deepEqual(told('slow'), [true]);
  made[0].say({ type: 'idle' });
  assert.deepEqual(told('slow'), [true, false]);
  assert.equal(made.length, 1);
});

test('the reader who does not want to wait any longer gets another worker', () => {
  connect();
  live();
  wish({ t: 2 });
  made[0].say({ type: 'busy', busy: true });
  seconds(31);
  connection.restart();
  assert.deepEqual(made[1].which, { generation: 2, shared: true });
  live();
  assert.equal(asked(made[1])[0].t, 2);
});

test('a lock that comes free is a death seen at once; one restart for each thing that the reader does', () => {
  connect();
  live();
  wish({ t: 2 });
  assert.equal(locks.asked[0].name, 'lock 1');
  locks.asked[0].got();
  assert.deepEqual(made[1].which, { generation: 1, shared: true }); // all pages find each other again
  live();
  assert.equal(asked(made[1])[0].t, 2);
  locks.asked[0].got(); // an old story
  assert.equal(made.length, 2);
  locks.asked[1].got();
  assert.equal(made.length, 2);
  assert.deepEqual(told('failed').map(({ what }) => what), ['gone']);
  wish({ t: 3 });
  connection.restart();
  live();
  assert.equal(asked(made[2])[0].t, 3);
  wish({ t: 4 });
  locks.asked[2].got();
  live();
  assert.equal(asked(made[3])[0].t, 4);
});

test('work that the page goes on with by itself does not bring a worker back for ever', () => {
  connect();
  live();
  connection.request({ again: 1 }, false);
  locks.asked[0].got();
  live();
  assert.equal(asked(made[1])[0].again, 1);
  locks.asked[1].got();
  assert.equal(made.length, 2);
  assert.equal(told('failed').length, 1);
});

test('what nobody looks at is restarted when somebody looks, or asks', () => {
  const watchers = [];
  globalThis.document = { hidden: true, addEventListener: (name, callback) => watchers.push(callback) };
  connect();
  live();
  locks.asked[0].got();
  assert.equal(made.length, 1);
  watchers[0]();
  assert.equal(made.length, 2);
  live();
  wish({ t: 5 });
  locks.asked[1].got();
  wish({ t: 6 });
  assert.equal(made.length, 3);
  watchers[1](); // it is there already
  assert.equal(made.length, 3);
  live();
  assert.equal(asked(made[2])[0].t, 6);
});

test('a restart that was asked for and is not answered is noticed, too', () => {
  connect();
  live();
  made[0].say({ type: 'failed', what: 'crash', message: 'It has crashed.' });
  connection.restart();
  assert.equal(made[0].heard.at(-1).type, 'restart');
  seconds(4.5);
  assert.equal(made.length, 2);
});

test('a SharedWorker that errs before its first word gives way to a worker of our own, without a word', () => {
  connect();
  made[0].err('');
  assert.deepEqual(made.map(({ which }) => which.shared), [true, false]);
  live();
  assert.deepEqual(told('failed'), []);
  assert.equal(told('live').length, 1);
});

test('a script that does not begin to come is told after the patience, '
  + 'and counts as failed after three times that', () => {
  connect({ patience: 20_000 });
  seconds(19);
  assert.deepEqual(told('problem'), []);
  seconds(2);
  assert.match(told('problem')[0].message, /not arrived for 20 seconds/);
  assert.equal(told('problem')[0].what, 'network');
  assert.deepEqual(told('failed'), []);
  seconds(40);
  assert.match(told('failed')[0].message, /not arrived for 60 seconds/);
  live(); // it comes after all
  assert.equal(told('live').length, 1);
  connect({ patience: 20_000 });
  live();
  seconds(100);
  assert.deepEqual(told('failed').length, 1);
  connect({ patience: 20_000 });
  seconds(61);
  connection.restart();
  assert.deepEqual(made.at(-1).which, { generation: 2, shared: true }); // the first is still waiting
});

for (const [name, answer, what, words] of [
  ['no network', () => Promise.reject(new TypeError('failed')), 'network', /did not arrive/],
  ['a missing file', () => Promise.resolve(new Response('', { status: 404 })), 'server', /HTTP 404/],
  ['a page in its place',
    () => Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } })),
    'server', /a page came/],
  ['a wrong type',
    () => Promise.resolve(new Response('x', { headers: { 'content-type': 'text/plain' } })),
    'type', /text\/plain/],
  ['a fault in the file',
    () => Promise.resolve(new Response('x', { headers: { 'content-type': 'text/javascript' } })),
    'damaged', /damaged/],
]) {
  test(`where neither starts, the cause is found and said once: ${name}`, async () => {
    const fetched = [];
    globalThis.fetch = (url, options) => { fetched.push([String(url), options.cache]); return answer(); };
    connect({ url: 'https://host.example/runtime/worker.js' });
    made[0].err('');
    made[1].err('');
    for (let i = 0; i < 20 && !told('failed').length; i += 1) { seconds(0.01); await turn(); }
    assert.equal(told('failed').length, 1);
    assert.equal(told('failed')[0].what, what);
    assert.match(told('failed')[0].message, words);
    const before = fetched.length;
    connection.restart();
    assert.equal(made.length, 2); // first past what is kept of the script, which may be the very copy that did not run
    assert.deepEqual(fetched.slice(before), [['https://host.example/runtime/worker.js', 'reload']]);
    for (let i = 0; i < 20 && made.length < 3; i += 1) { seconds(0.01); await turn(); }
    assert.deepEqual(made[2].which, { generation: 3, shared: true }); // not one that a browser may remember as broken
  });
}

for (const [name, answer, what, shared] of [
  ['a missing file', () => Promise.resolve(new Response('', { status: 404 })), ['server'], [true]],
  ['no network', () => Promise.reject(new TypeError('failed')), [], [true]],
  ['a file that comes well',
    () => Promise.resolve(new Response('x', { headers: { 'content-type': 'text/javascript' } })),
    [], [true, false]],
]) {
  test(`a shared worker that says nothing at all, not even that it failed: the server is asked: ${name}`, async () => {
    globalThis.fetch = () => answer();
    connect({ url: 'https://host.example/runtime/worker.js', patience: 20_000 });
    seconds(21);
    for (let i = 0; i < 20; i += 1) { seconds(0.01); await turn(); }
    assert.deepEqual(told('failed').map((each) => each.what), what);
    assert.deepEqual(made.map(({ which }) => which.shared), shared);
    if (what.length) assert.match(told('failed')[0].message, /HTTP 404/);
    seconds(100);
    assert.equal(told('failed').length, 1); // and nothing else afterwards
  });
}

test('in a sandbox the frame is named as the cause', () => {
  globalThis.origin = 'null';
  connect({ makeWorker: () => { throw new Error('denied'); } });
  globalThis.origin = 'https://host.example';
  assert.deepEqual(told('failed').map(({ what }) => what), ['sandbox']);
});

test('where a SharedWorker may not even be made, a worker of our own is', () => {
  globalThis.SharedWorker = class { constructor() { throw new Error('SecurityError'); } };
  globalThis.Worker = class { postMessage(m) { this.got = m; } terminate() { this.ended = true; } };
  const port = openWorker('worker.js', {});
  assert.equal(port.shared, undefined);
  port.post(1);
  delete globalThis.Worker;
  assert.throws(() => openWorker('worker.js', {}), /no web workers/);
});

test('a worker of one page alone that ends with an error is replaced', () => {
  const worker = { postMessage() {}, terminate() { worker.ended = true; } };
  connect({ makeWorker: () => { made.push(worker); return portOf(worker); } });
  worker.onmessage({ data: { type: 'busy', busy: false } });
  worker.onmessage({ data: { type: 'open', client: connection.client, models: [] } });
  worker.onerror({ message: 'out of memory' });
  assert.equal(made.length, 2);
  assert.ok(worker.ended);
});

test('put aside for Back, a page lets go of the shared worker; shown again, it asks for what the reader had', () => {
  connect();
  live();
  wish({ t: 2 }); // not answered yet
  let ended = 0;
  made[0].end = () => { ended += 1; };
  connection.rest();
  assert.deepEqual([made[0].heard.at(-1).type, ended, locks.asked[0].signal.aborted], ['close', 1, true]);
  made[0].say({ type: 'idle' }); // what is still said is not heard
  seconds(100);
  assert.equal(made.length, 1);
  connection.wake();
  live();
  assert.equal(made.length, 2);
  assert.equal(asked(made[1])[0].t, 2);
  connection.wake(); // once
  assert.equal(made.length, 2);
});

test('a worker of the page alone is put aside with it, and goes on with it', () => {
  connect({ makeWorker: () => { const port = { post() {}, listen() {} }; made.push(port); return port; } });
  connection.rest();
  connection.wake();
  assert.equal(made.length, 1);
  assert.equal(connection.port, made[0]);
});

// ---- a further model

const models = (worker) => worker.heard.filter(({ type }) => type === 'model')
  .map(({ request, name }) => [request, name]);
/** The worker says how far a model has come. */
const comes = (worker, request, state) => worker.say({
  type: 'model', client: connection.client, request, name: 'tiny', state });

test('a word about a model that is not wished for any more is not heard', () => {
  connect();
  live();
  connection.take('tiny');
  connection.cancel();
  assert.deepEqual(told('model').map(({ state }) => state), ['cancelled']); // at once
  assert.equal(made[0].heard.at(-1).request, 1);
  connection.take('other');
  for (const state of ['fetching', 'cancelled', 'failed', 'there']) comes(made[0], 1, state);
  assert.equal(told('model').length, 1);
  comes(made[0], 2, 'fetching');
  comes(made[0], 2, 'there');
  comes(made[0], 2, 'failed'); // all has been said
  assert.deepEqual(told('model').map(({ state }) => state), ['cancelled', 'fetching', 'there']);
});

for (const [name, state, end] of [
  ['by its lock, while it fetches', 'fetching', () => locks.asked[0].got()],
  ['by its lock, while it reads', 'reading', () => locks.asked[0].got()],
  ['by its silence, while it reads', 'reading', () => seconds(5)],
]) {
  test(`a worker that is lost with a model on the way ends the wish, in words: ${name}`, () => {
    connect();
    live();
    connection.take('tiny');
    comes(made[0], 1, state);
    end();
    const { state: how, what, message } = told('model').at(-1);
    assert.deepEqual([how, what], ['failed', 'lost']);
    assert.match(message, /stopped from outside/);
    assert.equal(made.length, 2);
    assert.deepEqual(models(made[1]), []); // it may be what it died of: not by itself
    live();
    connection.take('tiny');
    assert.deepEqual(models(made[1]), [[2, 'tiny']]);
  });
}

test('a line that stands still is no death', () => {
  connect();
  live();
  connection.take('tiny');
  comes(made[0], 1, 'fetching');
  seconds(100);
  assert.equal(made.length, 1);
});

test('a page that is put aside, or whose Python cannot be had, waits for no model', () => {
  connect();
  made[0].shared = true;
  live();
  connection.take('tiny');
  connection.rest();
  assert.equal(told('model').at(-1).what, 'lost');
  connection.wake();
  live();
  connection.take('tiny');
  made[1].say({ type: 'failed', what: 'crash', message: 'It has crashed.' });
  assert.deepEqual([told('model').length, told('model').at(-1).message], [2, 'It has crashed.']);
});

test('memory that is given back, again and again, breaks no neighbour and loses nothing', () => {
  connect();
  live();
  connection.take('tiny');
  for (const n of [0, 1, 2]) {
    made[n].say({ type: 'leaving' });
    assert.equal(made[n].heard.at(-1).type, 'left');
    wish({ t: n }); // meanwhile: for the next one
    assert.deepEqual(asked(made[n]).filter(({ t }) => t === n), []);
    locks.asked[n].got();
    assert.deepEqual(models(made[n + 1]), [[1, 'tiny']]); // it is still wished for
    live();
    assert.equal(asked(made[n + 1]).at(-1).t, n);
  }
  assert.deepEqual(told('failed'), []);
  assert.deepEqual(told('model'), []);
  locks.asked[3].got();
  live();
  locks.asked[4].got(); // but a Python that is lost twice by itself is
  assert.equal(told('failed').length, 1);
});

test('before a worker ends for its memory, what was asked is answered; what is asked from then on waits', () => {
  connect();
  live();
  wish({ model: 'storyteller' });
  connection.letGo();
  assert.equal(made[0].heard.at(-1).type, 'patch');
  wishes = { model: 'storyteller', floor: 5 }; // as Python says
  made[0].say({ type: 'idle' });
  assert.equal(made[0].heard.at(-1).type, 'leave');
  connection.request({ piece: 1 }, false);
  assert.equal(made[0].heard.at(-1).type, 'leave');
  locks.asked[0].got();
  live();
  assert.deepEqual(made[1].heard[0].values, { model: 'storyteller', floor: 5, piece: 1 });
});

test('which model Python holds is known from the opening on, and with a lost worker none', () => {
  connect();
  made[0].say({ type: 'hello', lock: 'lock 1' });
  made[0].say({ type: 'open', client: connection.client, models: [], holds: { name: 'tiny' } });
  assert.equal(connection.holds.name, 'tiny');
  made[0].say({ type: 'holds', model: { name: 'other' } });
  assert.equal(connection.holds.name, 'other');
  locks.asked[0].got();
  assert.equal(connection.holds, null);
  live();
  assert.deepEqual(told('holds'), [{ name: 'tiny' }, { name: 'other' }, null]);
});
