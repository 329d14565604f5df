// Roving tabindex: one of many is in the tab order, the arrow keys move among them (build/web/rove.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { moveAmong, moveInGrid, moveInStrip, seat, sit } from '../../build/web/rove.js';
import { Document, el } from './dom.mjs';

let page;
beforeEach(() => { page = new Document(); });
const seats = () => page.querySelectorAll('[tabindex="0"]').map((one) => one.textContent);

/** A table of 2 rows, with a heading and 3 cells in each: r0 a0 b0 c0. */
function table(attributes = {}, cell = { tabindex: -1 }) {
  const made = el('table', { 'data-grid': '', ...attributes }, el('tbody', {}, ...[0, 1].map((r) => el('tr', {},
    el('th', {}, `r${r}`), ...['a', 'b', 'c'].map((name) => el('td', cell, `${name}${r}`))))));
  page.append(made);
  return (text) => made.querySelectorAll('td,th').find((one) => one.textContent === text);
}

test('of several, one alone sits in the tab order', () => {
  const three = ['a', 'b', 'c'].map((name) => el('button', { tabindex: 0 }, name));
  page.append(...three);
  sit(three[1], three);
  assert.deepEqual(seats(), ['b']);
});

test('a group seats what has the focus, else what is pressed, else its first; a seat that is taken stays', () => {
  const group = (...names) => el('div', { 'data-rove': '' }, ...names.map((name) => (
    el('button', name === 'p' ? { 'aria-pressed': 'true' } : {}, name))));
  const [first, pressed, focused] = [group('a', 'b'), group('c', 'p'), group('d', 'p', 'f')];
  page.append(first, pressed, focused);
  focused.children[2].focus();
  seat(page);
  assert.deepEqual(seats(), ['a', 'p', 'f']);
  page.activeElement = first.children[1];
  seat(page);
  assert.deepEqual(seats(), ['a', 'p', 'f']);
});

test('a table seats its first cell that can have the focus', () => {
  table();
  seat(page);
  assert.deepEqual(seats(), ['a0']);
});

test('arrows go from cell to cell, and stop at the edge', () => {
  const cell = table();
  const ways = [['ArrowRight', 'b0'], ['ArrowDown', 'b1'], ['ArrowLeft', 'a1'], ['End', 'c1'], ['ArrowRight', 'c1'],
    ['ArrowUp', 'c0'], ['ArrowUp', 'c0'], ['Home', 'a0']];
  cell('a0').focus();
  for (const [key, to] of ways) {
    assert.equal(moveInGrid(page.activeElement, key), true);
    assert.equal(page.activeElement.textContent, to, key);
  }
  assert.deepEqual(seats(), ['a0']);
  moveInGrid(page.activeElement, 'ArrowLeft'); // a heading cannot have the focus
  assert.equal(page.activeElement.textContent, 'a0');
});

test('a key that is not for a cell, and a place outside a table, are left alone', () => {
  const cell = table();
  assert.equal(moveInGrid(cell('a0'), 'Enter'), false);
  assert.equal(moveInGrid(cell('a0').parentElement, 'ArrowDown'), false);
  assert.equal(moveInGrid(page, 'ArrowDown'), false); // the document itself
});

test('in a lean table cells take the focus that only have a value', () => {
  const cell = table({ class: 'lean' }, { 'data-v': 1 });
  moveInGrid(cell('a0'), 'ArrowRight');
  assert.equal(page.activeElement?.textContent, 'b0');
});

/** Buttons in rows of different lengths, as they are laid out. */
function rows(...lengths) {
  const buttons = lengths.flatMap((length, r) => Array.from({ length }, (_, c) => Object.assign(
    el('button', {}, `${r}${c}`), { box: { left: 50 * c, top: 30 * r, width: 40, height: 20 } })));
  page.append(el('div', { 'data-rove': '' }, ...buttons));
  return (name) => buttons.find((button) => button.textContent === name);
}

test('among buttons in rows arrows lead along, on to the next row, and to the nearest above and below', () => {
  const button = rows(3, 2);
  for (const [from, key, to] of [['00', 'ArrowRight', '01'], ['02', 'ArrowRight', '10'], ['10', 'ArrowLeft', '02'],
    ['00', 'ArrowDown', '10'], ['02', 'ArrowDown', '11'], ['11', 'ArrowUp', '01'], ['11', 'Home', '00'],
    ['00', 'End', '11']]) {
    assert.equal(moveAmong(button(from), key), true);
    assert.equal(page.activeElement.textContent, to, `${from} ${key}`);
    assert.deepEqual(seats(), [to]);
  }
});

test('the next row is above all nearer than one further on; what stands a little lower is beside', () => {
  const button = rows(3, 1, 3);
  moveAmong(button('02'), 'ArrowDown');
  assert.equal(page.activeElement.textContent, '10');
  button('01').box.top = 2;
  button('10').box.left = 500;
  moveAmong(button('00'), 'ArrowDown');
  assert.equal(page.activeElement.textContent, '10');
});

test('at the end of the buttons the key is for them and leads nowhere; other keys are not for them', () => {
  const button = rows(2);
  button('01').focus();
  assert.equal(moveAmong(button('01'), 'ArrowRight'), true);
  assert.equal(page.activeElement.textContent, '01');
  assert.equal(moveAmong(button('01'), 'a'), false);
  page.append(el('button', {}, 'alone'));
  assert.equal(moveAmong(page.querySelectorAll('button').at(-1), 'ArrowRight'), false);
});

test('along a strip of tokens moving is choosing', () => {
  const pressed = [];
  const tokens = ['Once', 'there', 'was'].map((word) => el('button', {}, word));
  for (const token of tokens) token.addEventListener('click', () => pressed.push(token.textContent));
  page.append(el('div', { class: 'tokens' }, ...tokens));
  assert.equal(moveInStrip(tokens[1], 'ArrowRight'), true);
  assert.equal(moveInStrip(tokens[0], 'ArrowLeft'), true); // there is none
  assert.equal(moveInStrip(tokens[0], 'ArrowDown'), false);
  assert.deepEqual(pressed, ['was']);
  assert.equal(page.activeElement, tokens[2]);
});
