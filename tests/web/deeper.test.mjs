// Closed sections open for whatever leads into them (build/web/deeper.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Document, Element, el, happen } from './dom.mjs';

const heard = new EventTarget();
globalThis.location = { hash: '' };
globalThis.addEventListener = (...how) => heard.addEventListener(...how);
const { deeper, isClosed, reveal } = await import('../../build/web/deeper.js');

let page;
let inner;
let outer;
let opened;
const by = (id) => page.getElementById(id);

beforeEach(() => {
  location.hash = '';
  opened = 0;
  inner = el('details', { class: 'deeper', id: 'inner' },
    el('input', { 'data-bind': 'head', id: 'head' }), el('h3', { id: 'proof' }), el('input', { 'data-bind': 't' }));
  outer = el('details', { class: 'deeper', id: 'outer' }, inner, el('input', { 'data-bind': 'prompt' }));
  page = new Document();
  page.append(
    el('main', {}, el('a', { href: '#proof', id: 'link' }), outer, el('input', { 'data-bind': 't' }),
      el('details', { 'data-opens': 'node edge', id: 'grid' })),
    el('p', { id: 'open' }),
  );
});
const wire = (asked = []) => deeper(page, { asked, opened: () => { opened += 1; } });

test('revealing opens every section around', () => {
  assert.equal(isClosed(by('proof')), true);
  reveal(by('proof'));
  assert.deepEqual([inner.open, outer.open, by('grid').open], [true, true, false]);
  assert.equal(isClosed(by('proof')), false);
  assert.equal(reveal(null), null);
});

test('a value in the address opens the section that has its only control', () => {
  wire(['head']);
  assert.ok(inner.open && outer.open);
});

test('a value that has a control in sight, and a prompt, open nothing', () => {
  wire(['t', 'prompt']);
  assert.ok(!inner.open && !outer.open);
});

test('what shows a value without a control says so itself', () => {
  wire(['edge']);
  assert.ok(by('grid').open && !outer.open);
});

test('an address of a place inside leads there; a state in the hash, and no place at all, lead nowhere', () => {
  wire();
  by('proof').setAttribute('id', 'proof=1');
  for (const hash of ['#proof=1', '#', '#nowhere', '#100%']) {
    location.hash = hash;
    heard.dispatchEvent(new Event('hashchange'));
  }
  assert.ok(!outer.open);
  outer.querySelector('h3').setAttribute('id', 'proof');
  location.hash = '#proof';
  heard.dispatchEvent(new Event('hashchange'));
  assert.ok(inner.open && outer.open);
  assert.equal(by('proof').scrolled, 1);
});

test('the first address counts as well, whatever it says', () => {
  location.hash = '#proof';
  wire();
  assert.ok(inner.open && outer.open);
  location.hash = '#100%'; // no name at all
  assert.doesNotThrow(() => wire());
});

test('a link opens what it leads into; what is in sight is left to the browser', () => {
  wire();
  Object.assign(by('link'), { hash: '#open' });
  happen(by('link'), 'click');
  assert.equal(by('open').scrolled, 0);
  by('link').hash = '#proof';
  happen(by('link'), 'click');
  assert.ok(outer.open);
});

test('whoever opens a section has what lies in it drawn; whoever closes it has not; all are open on paper', () => {
  wire();
  outer.open = true;
  happen(outer, 'toggle');
  assert.equal(opened, 1);
  outer.open = false;
  happen(outer, 'toggle');
  by('grid').open = true; // it is always drawn
  happen(by('grid'), 'toggle');
  by('grid').open = false;
  assert.equal(opened, 1);
  heard.dispatchEvent(new Event('beforeprint'));
  assert.ok(inner.open && outer.open && !by('grid').open);
});

test('it waits for reading.js where that has not settled the second figure yet', () => {
  page.append(new Element('details', { class: 'second' }));
  wire(['head']);
  assert.ok(!inner.open);
  heard.dispatchEvent(new Event('DOMContentLoaded'));
  assert.ok(inner.open);
});
