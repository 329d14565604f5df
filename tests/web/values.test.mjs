// What small scripts make of values: the page's side of the document (mirror.js), links to pages (links.js), questions
// about cells (stories.js). Shares in percent are as Python writes them: test_web.py.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../unit/clock.mjs';
import { linked } from '../../build/web/links.js';
import { Mirror } from '../../build/web/mirror.js';
import { question, stories } from '../../build/web/stories.js';
import { Document, el, happen } from './dom.mjs';

const model = (id, name, attributes) => ({ id, name, attributes });

test('a patch goes to the model of that id, and whoever watches that attribute hears of it', () => {
  const mirror = new Mirror({ models: [model('p1', 'link', { values: { t: 1 } }), model('p2', 'a', { html: 'x' })] });
  const heard = [];
  mirror.on('a', 'html', (html) => heard.push(html));
  mirror.on('a', 'html', (html) => heard.push(html.length));
  mirror.on('link', 'html', () => heard.push('wrong'));
  mirror.apply([{ model: 'p2', attr: 'html', new: 'yy' }, { model: 'p9', attr: 'html', new: 'gone' }]);
  assert.deepEqual(heard, ['yy', 2]);
  assert.equal(mirror.get('a', 'html'), 'yy');
  assert.equal(mirror.get('b', 'html'), undefined);
});

test('an opened document takes the place of the one before: told is what differs, found is what has the new id', () => {
  const mirror = new Mirror({ models: [model('p1', 'a', { html: 'x', told: { asked: 1 } })] });
  const heard = [];
  for (const attr of ['html', 'told']) mirror.on('a', attr, (value) => heard.push([attr, value]));
  mirror.adopt([model('q1', 'a', { html: 'z', told: { asked: 1 } })]);
  assert.deepEqual(heard, [['html', 'z']]);
  assert.equal(mirror.id('a'), 'q1');
  mirror.apply([{ model: 'p1', attr: 'html', new: 'late' }]); // a word of the one before
  assert.equal(heard.length, 1);
  assert.equal(mirror.get('a', 'html'), 'z');
});

test('links lead to where pages lie, and keep what they ask for', () => {
  const html = '<a href="?t=2" data-page-link="temperature"><a href="" data-page-link="home"><a href="https://x.org/">';
  assert.equal(linked(html, '../*/'),
    '<a href="../temperature/?t=2" data-page-link="temperature"><a href="../" data-page-link="home">'
    + '<a href="https://x.org/">');
  assert.equal(linked(html, '*.html'),
    '<a href="temperature.html?t=2" data-page-link="temperature"><a href="home.html" data-page-link="home">'
    + '<a href="https://x.org/">');
  assert.equal(linked(linked(html, '../*/'), '*.html'), linked(html, '*.html')); // taken away, led anew
});

function asking(ask) {
  const rows = [0, 1].map((r) => (
    el('tr', {}, el('th', {}), ...[0, 1, 2].map((c) => el('td', { 'data-v': 10 * r + c })))));
  const table = el('table', ask ? { 'data-ask': ask } : {}, el('tbody', {}, ...rows));
  return [table, rows[1].children[3]]; // row 1, column 2
}

test('a cell is asked for by its place: numbers, r and c, their sums and products', () => {
  for (const [ask, asked] of [
    ['blocks.1.attn.k|r,0,c', 'blocks.1.attn.k|1,0,2'],
    ['blocks.0.resid_pre|5,24*r+c', 'blocks.0.resid_pre|5,26'],
    ['logits|c', 'logits|2'],
    ['a|2*r+3*c+4,7', 'a|12,7'],
  ]) assert.equal(question(asking(ask)[1]), asked);
  assert.equal(question(asking(null)[1]), null);
  assert.equal(question(asking('only a name')[1]), null);
});

test('a cell that is looked at is asked for, its answer is kept with it; an answer to no question is dropped', () => {
  const root = new Document();
  const [table, cell] = asking('logits|c');
  cell.isConnected = true;
  root.append(el('section', { 'data-widget': 'w' }, table));
  const asked = [];
  let answer;
  const mirror = { on: (name, attr, callback) => { answer = callback; } };
  const connection = { isLive: true, request: (values) => asked.push(values) };
  stories(root, { mirror, connection, widgets: new Map([['w']]) });
  assert.doesNotThrow(() => answer({ story: 'of nothing' }));
  happen(table.querySelector('td'), 'focusin'); // only passed
  cell.focus();
  happen(cell, 'focusin');
  seconds(0.1);
  assert.deepEqual(asked, [{ ask: 'w|logits|2' }]);
  answer({ asked: 'w|logits|1', story: 'of another' });
  answer(undefined);
  assert.equal(cell.dataset.why, undefined);
  answer({ asked: 'w|logits|2', story: 'so' });
  assert.equal(cell.dataset.why, 'so');
  assert.equal(cell.getAttribute('aria-description'), 'so'); // it has the focus
  happen(cell, 'focusin'); // it is known
  seconds(0.1);
  assert.equal(asked.length, 1);
});
