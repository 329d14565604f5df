// A figure in a frame of somebody's page: what it says to its host and takes from it (build/web/embedded.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Element } from './dom.mjs';

const root = new Element('html', { 'data-embed': 'temperature', 'data-beyond': 'layer head' });
const body = new Element('body');
body.box = { height: 300.2 };
const said = [];
const parent = { postMessage: (message) => said.push(message) };
const page = Object.assign(new EventTarget(), { parent, IntersectionObserver: true });
globalThis.window = page;
globalThis.document = Object.assign(new EventTarget(), { documentElement: root, body });
let fontsAreHere;
document.fonts = { ready: new Promise((done) => { fontsAreHere = done; }) };
let measure;
globalThis.ResizeObserver = class { constructor(callback) { measure = callback; } observe() {} };
let seen;
globalThis.IntersectionObserver = class {
  constructor(callback) { seen = callback; }

  observe() {}

  disconnect() {}
};
const { embedded, whenWanted } = await import('../../build/web/embedded.js');

const hear = (data, source = parent) => page.dispatchEvent(Object.assign(new Event('message'), { data, source }));
const taken = [];
globalThis.MutationObserver = class { observe() {} };
let link = 'https://site.example/embed/temperature/';
const heard = {};
embedded({
  set: (values) => taken.push(values), defaults: { t: 1, prompt: '', head: 0 }, link: () => link, python: () => 2,
  mirror: { on: (name, attr, callback) => { heard[`${name}.${attr}`] = callback; } },
});

beforeEach(() => {
  said.length = taken.length = 0;
  root.dataset.view = 'compact';
  delete root.dataset.viewSaid;
  delete root.dataset.theme;
});

test('it says how high it is, when that changes, and not before its fonts are there', async () => {
  assert.equal(measure, undefined);
  fontsAreHere();
  await document.fonts.ready;
  measure();
  body.box = { height: 410.5 };
  measure();
  body.box = { height: 0 }; // a tab that is hidden
  measure();
  assert.deepEqual(said, [301, 411].map((height) => ({ type: 'explainer:height', height })));
});

test('what happens in it is said to the host', () => {
  page.dispatchEvent(Object.assign(new Event('explainer:change'), { detail: { t: 2 } }));
  assert.deepEqual(said, [{ type: 'explainer:change', detail: { t: 2 } }]);
});

test('it says what a link to it says, so that its host can bring it back as it was', () => {
  link += '?t=2&weights=abc';
  page.dispatchEvent(Object.assign(new Event('explainer:change'), { detail: { t: 2 } }));
  page.dispatchEvent(Object.assign(new Event('explainer:change'), { detail: { t: 2 } }));
  assert.deepEqual(said.filter(({ type }) => type === 'explainer:query'), [
    { type: 'explainer:query', query: '?t=2&weights=abc' }]);
});

test('which Python it is on is said once it is live', () => {
  page.dispatchEvent(Object.assign(new Event('explainer:live'), { detail: {} }));
  assert.deepEqual(said.at(-1), { type: 'explainer:python', generation: 2 });
});

test('names that it does not know, and values that Python does not take, are said to the host', () => {
  hear({ type: 'explainer:asked', names: ['t', 'temperatur', 'mode'], view: 'ful' });
  const [{ type, here, messages }] = said;
  assert.deepEqual([type, here, Object.keys(messages)], ['explainer:wrong', true, ['temperatur', 'view']]);
  assert.match(messages.temperatur, /knows no “temperatur”.*: t, prompt, head, view, theme\.$/);
  said.length = 0;
  hear({ type: 'explainer:asked', names: ['t'], view: null });
  hear({ type: 'explainer:asked', names: 5, view: 5 });
  assert.deepEqual(said, []);
  heard['link.messages']({ t: 'no number' });
  assert.deepEqual(said, [{ type: 'explainer:wrong', messages: { t: 'no number' }, here: false }]);
});

test('it takes plain values of names that it has, and nothing else', () => {
  hear({ type: 'explainer:set', values: {
    t: 2, prompt: null, other: 1, head: { deep: 1 }, constructor: 'x', mode: 'result',
  } });
  assert.deepEqual(taken, [{ t: 2, prompt: null }]);
  hear({ type: 'explainer:set', values: { prompt: 'x'.repeat(20001) } });
  hear({ type: 'explainer:set', values: { other: 1 } });
  hear({ type: 'explainer:set', values: null });
  hear({ type: 'explainer:get', values: { t: 3 } });
  hear(null);
  hear({ type: 'explainer:set', values: { t: 3 } }, {}); // not from the host
  assert.equal(taken.length, 1);
});

test('a value that only all of it shows opens all of it, unless the host has said which view', () => {
  hear({ type: 'explainer:set', values: { t: 2 } });
  assert.equal(root.dataset.view, 'compact');
  hear({ type: 'explainer:set', values: { head: 2 } });
  assert.equal(root.dataset.view, 'full');
  hear({ type: 'explainer:set', values: { view: 'compact' } });
  hear({ type: 'explainer:set', values: { head: 3 } });
  assert.equal(root.dataset.view, 'compact');
  hear({ type: 'explainer:set', values: { view: 'upside down' } });
  assert.equal(root.dataset.view, 'compact');
});

test('a theme is light, dark, or the reader\'s own', () => {
  for (const [asked, theme] of [['dark', 'dark'], ['light', 'light'], ['auto', undefined], ['pink', undefined]]) {
    hear({ type: 'explainer:set', values: { theme: asked } });
    assert.equal(root.dataset.theme, theme);
  }
  assert.deepEqual(taken, []); // it is no state
});

test('Python starts when the figure is seen, used, or its host says so: once', () => {
  const start = () => { starts += 1; };
  let starts = 0;
  whenWanted(start);
  seen([{ isIntersecting: false }]);
  hear({ type: 'explainer:start' }, {});
  assert.equal(starts, 0);
  seen([{ isIntersecting: true }]);
  seen([{ isIntersecting: true }]); // it was on its way already
  page.dispatchEvent(new Event('keydown'));
  hear({ type: 'explainer:start' });
  assert.equal(starts, 1);
  whenWanted(start);
  page.dispatchEvent(new Event('pointerdown'));
  assert.equal(starts, 2);
  whenWanted(start);
  hear({ type: 'explainer:start' });
  assert.equal(starts, 3);
});
