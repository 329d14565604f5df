// The choice of the model (build/web/models.js): what is asked, said and done, with a connection that is written down.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { models } from '../../build/web/models.js';
import { Document, el } from './dom.mjs';

const settled = async () => { for (let i = 0; i < 20; i += 1) await Promise.resolve(); };
const option = (value, more = {}) => el('option', { value, ...more });
const BIG = {
  'data-title': 'Big', 'data-says': 'A model.', 'data-bytes': '98000000', 'data-memory': '900000000',
  'data-licence': 'Free', 'data-source': 'Somewhere', 'data-examples': 'Paris is|Mary gave',
};
const held = (name, taken = 1) => ({
  name, title: name === 'big' ? 'Big' : name, licence: 'Free', taken, weights: 1000, layers: 2, heads: 4,
  vocabulary: 352,
});
const DEFAULTS = { model: 'storyteller', prompt: 'Mia has', floor: 5 };

let page; let bar; let select; let more; let line; let choose; let values; let shown; let wishes; let asked; let kept;
const watchers = {};

/** Python holds and shows this now. */
async function python(now, instead = {}) {
  Object.assign(page.state, values = { ...values, ...now });
  shown = instead;
  for (const attr of ['values', 'shown']) watchers[attr]();
  await settled();
}
/** The worker says which model Python holds. */
async function holds(model) {
  page.connection.holds = model;
  page.holds(model);
  await settled();
}
const words = () => line.textContent;
const buttons = () => more.querySelectorAll('button').map((button) => button.textContent);
const press = async (name) => {
  const button = more.querySelectorAll('button').find((one) => one.textContent === name);
  button.focus();
  button.click();
  await settled();
};
const pick = async (name) => { select.value = name; choose(name); await settled(); };
const hears = (state, more_ = {}) => page.heard({ name: 'big', state, ...more_ });

/** The reader's page, opened with these values. */
async function open(now = {}) {
  values = { ...DEFAULTS, ...now };
  Object.assign(page.state, values);
  choose = models(bar, page);
  await settled();
}

beforeEach(() => {
  const root = { dataset: { site: './' } };
  globalThis.document = Object.assign(new Document(), { documentElement: root, baseURI: 'https://a.example/' });
  line = el('p', { role: 'status' });
  more = el('div', { 'data-models-more': '' }, line);
  select = el('select', {}, option('storyteller'), option('big', BIG), option('file'));
  for (const one of select.children) one.value = one.getAttribute('value');
  Object.defineProperties(select, {
    options: { get: () => select.children },
    value: {
      get: () => select.children[select.selectedIndex]?.value,
      set: (name) => { select.selectedIndex = select.children.findIndex(({ value }) => value === name); },
    },
  });
  select.value = 'storyteller';
  bar = el('div', { 'data-models': '' }, select, more);
  document.append(bar);
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: '' }, configurable: true });
  kept = new Map();
  globalThis.caches = { open: async () => ({ match: async (url) => kept.get(String(url))?.clone() }) };
  [wishes, asked, shown, values] = [[], [], {}, { ...DEFAULTS }];
  page = {
    defaults: DEFAULTS, state: {},
    wish: (what) => { wishes.push(what); Object.assign(page.state, what); },
    mirror: {
      get: (_, attr) => ({ values, shown })[attr], on: (_, attr, callback) => { watchers[attr] = callback; },
    },
    connection: {
      holds: null, isLive: true,
      take: (...what) => asked.push(['take', ...what]),
      cancel: () => { asked.push(['cancel']); hears('cancelled'); },
      letGo: () => asked.push(['letGo']),
    },
  };
});

/** Big is here, and the figures are about it. */
async function about(now = {}) {
  await open();
  await pick('big');
  await press('Load the model');
  await holds(held('big'));
  hears('there', { model: held('big') });
  await python({ ...wishes.at(-1), ...now });
}

test('a model is asked about, comes, and the figures are about it: what is said of them is true of all', async () => {
  await open();
  assert.equal(words(), '');
  await pick('big');
  assert.match(words(), /98 MB are fetched \(and kept.*about 900 MB of memory/);
  assert.deepEqual(buttons(), ['Load the model', 'Not now']);
  await press('Load the model');
  assert.deepEqual(asked, [['take', 'big', undefined]]);
  await holds(held('big'));
  assert.deepEqual(wishes, []); // it is said to be there in a moment
  hears('there', { model: held('big') });
  assert.deepEqual(wishes, [{ model: 'big', prompt: 'Paris is' }]);
  await python(wishes[0]);
  assert.match(words(), /figures here are now about Big: .* Figures that are about the storyteller only say so, and/);
});

test('what is kept here already is said, and that is not fetched', async () => {
  const parts = [{ url: '0.bin', bytes: 60e6 }, { url: '1.bin', bytes: 38e6 }];
  const at = 'https://a.example/models/big/';
  kept.set(`${at}manifest.json`, Response.json({ bytes: 98e6, parts }));
  kept.set(`${at}0.bin`, new Response());
  await open();
  await pick('big');
  assert.match(words(), /60 of its 98 MB are in this browser already/);
  await pick('storyteller');
  kept.set(`${at}1.bin`, new Response());
  await pick('big');
  assert.match(words(), /in this browser already: nothing is fetched/);
  delete globalThis.caches;
  await pick('storyteller');
  await pick('big');
  assert.match(words(), /98 MB are fetched\./); // and not kept
});

test('a download is told at its beginning and by quarters, and nothing is made anew under the focus', async () => {
  await open();
  await pick('big');
  await press('Load the model');
  assert.equal(document.activeElement, more); // what was pressed has gone, and nothing else is pressed by mistake
  const said = new Set();
  hears('fetching', { loaded: 0, total: 98e6, kept: 0 });
  const cancel = more.querySelectorAll('button')[0];
  cancel.focus();
  for (let loaded = 0; loaded <= 98e6; loaded += 5e5) {
    hears('fetching', { loaded, total: 98e6, kept: 0 });
    said.add(words());
    assert.equal(document.activeElement, cancel);
  }
  assert.ok(said.size >= 4 && said.size <= 6, [...said].join('\n'));
  assert.match(more.textContent, /98 of 98 MB/);
  assert.ok(select.disabled);
});

test('the storyteller, chosen by an arrow key, ends nothing: another key brings the model back', async () => {
  await about({ floor: 7, layer: 3 });
  await pick('storyteller');
  assert.deepEqual([wishes.at(-1), asked.length], [{ model: 'storyteller', prompt: 'Mia has' }, 1]);
  await python(wishes.at(-1));
  assert.match(words(), /Big is still in memory. The figures are about the storyteller/);
  await pick('big');
  assert.deepEqual(wishes.at(-1), { model: 'big', prompt: 'Paris is' });
  assert.deepEqual(asked, [['take', 'big', undefined]]); // nothing is fetched for it
});

test('leaving takes back the model and an example’s text, and nothing of the reader’s', async () => {
  await about();
  await python({ prompt: 'My own text' });
  await press('Leave it, and give its memory back');
  assert.deepEqual([wishes.at(-1), asked.at(-1)], [{ model: 'storyteller' }, ['letGo']]);
});

test('after an example that took the place of the reader’s text, that text comes back', async () => {
  await about();
  await python({ prompt: 'My own text' });
  more.querySelectorAll('.models-examples button')[1].click();
  assert.deepEqual(wishes.at(-1), { prompt: 'Mary gave' });
  await python(wishes.at(-1));
  await press('Leave it, and give its memory back');
  assert.deepEqual(wishes.at(-1), { model: 'storyteller', prompt: 'My own text' });
  await python(wishes.at(-1));
  assert.match(words(), /memory is given back/); // and not, for a moment, that it is still there
  await holds(null);
  assert.equal(words(), '');
  assert.equal(document.activeElement, select);
});

test('what goes wrong is said with what the figures are about then, until the reader has done with it', async () => {
  await open();
  await pick('big');
  await press('Load the model');
  hears('failed', { message: 'It is damaged.' });
  await python({ t: 2 });
  assert.equal(words(), 'It is damaged. The storyteller is here, with everything as it was.');
  assert.deepEqual(buttons(), ['Try again', 'Close']);
  await press('Close');
  assert.equal(words(), '');
});

test('where another model had to go for one that cannot be read, that is said, and it can be had again', async () => {
  await about();
  await pick('file');
  const input = more.querySelector('input');
  input.files = [{ name: 'x.gguf' }];
  input.dispatchEvent(new Event('change'));
  await holds(null); // Python has let go of it
  assert.deepEqual(wishes.at(-1), { model: 'big' }); // so that nothing is shown half of the one, half of the other
  page.heard({ name: 'file', state: 'failed', message: 'x.gguf is none.' });
  await python({}, { model: 'storyteller' });
  assert.match(words(), /^x.gguf is none. Big has left memory .* the figures are about the storyteller now/);
  assert.deepEqual(buttons(), ['Another file', 'Load Big again', 'Close']);
});

test('a worker that is lost, or a Python that cannot start, promises no storyteller', async () => {
  await open();
  await pick('big');
  await press('Load the model');
  hears('failed', { message: 'Python was stopped.', what: 'lost' });
  assert.equal(words(), 'Python was stopped. Python starts again with what you have set.');
  await press('Try again');
  page.connection.isLive = false;
  hears('failed', { message: 'It cannot start.' });
  assert.equal(words(), 'It cannot start. The pictures stay as they are.');
});

test('a model that another page of the visit has had fetched is there for this one, too', async () => {
  await open({ model: 'big' });
  await python({}, { model: 'storyteller' });
  assert.match(words(), /98 MB are fetched/); // the address asks
  await holds(held('big'));
  assert.deepEqual(wishes, [{ model: 'big' }]);
  await python({});
  assert.match(words(), /now about Big/);
  await holds(null); // that page has given it back
  await python({}, { model: 'storyteller' });
  assert.match(words(), /^It is not in memory any more. A model/);
});

test('another file by the same name is another model', async () => {
  await open({ model: 'file' });
  await holds(held('file', 1));
  await python({});
  wishes.length = 0;
  await holds(held('file', 1));
  assert.deepEqual(wishes, []);
  await holds(held('file', 2));
  assert.deepEqual(wishes, [{ model: 'file' }]);
});

test('a copy of the site that has not the model of its address says so at once', async () => {
  await open({ model: 'gone' });
  shown = { model: 'storyteller' };
  await python({}, shown);
  assert.match(words(), /This copy of the site does not have the model .*“gone”/);
  assert.equal(select.value, 'storyteller');
});
