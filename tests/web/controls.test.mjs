// What a control shows: the reader's or Python's (build/web/controls.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Document, Element, el, happen } from './dom.mjs';

globalThis.Element = Element;
const { controls, read } = await import('../../build/web/controls.js');

const field = (type, values = {}, attributes = {}) => (
  Object.assign(el('input', { type, 'data-bind': 't', ...attributes }), { type, validity: {}, ...values }));
const slider = (value, attributes, max = '2', step = '0.1') => field('range', { value, max, step }, attributes);

test('a control is read as Python takes it', () => {
  assert.equal(read(field('checkbox', { checked: true, value: 'on' })), true);
  assert.equal(read(field('text', { value: ' a ' })), ' a ');
  assert.equal(read(field('number', { value: '0.50' })), '0.50'); // Python says what it takes it for
  assert.equal(read(slider('0.30000000000000004')), 0.3);
  assert.equal(read(slider('1.97')), 2); // the last step may miss the end
  assert.equal(read(slider('1.9')), 1.9);
  assert.equal(read(slider('2.4', { 'data-whole': '' }, '9', '1')), 2);
  assert.equal(read(slider('-1', { 'data-scale': 'log' })), 0.1);
});

let root;
let state;
let on;
let shown;
beforeEach(() => {
  root = new Document();
  state = { t: 5 };
  on = { asked: false, drawn: true, idle: true };
  shown = null;
});
const wire = (...fields) => {
  root.append(...fields);
  shown = controls(root, {
    held: (name) => state[name], asked: () => on.asked, drawn: () => on.drawn, idle: () => on.idle,
  });
};

test('a field shows what holds, and not again what it shows', () => {
  const text = field('text', { value: '4' });
  let writes = 0;
  Object.defineProperty(text, 'value', { get: () => text.now ?? '4', set(v) { writes += 1; text.now = v; } });
  wire(text);
  shown.held();
  shown.held();
  assert.deepEqual([text.value, writes], ['5', 1]);
});

test('what is being written stays until the field is left; then it shows what holds', () => {
  const text = field('text', { value: '4' });
  wire(text);
  text.focus();
  text.value = '4.';
  happen(text, 'input');
  shown.held();
  assert.equal(text.value, '4.');
  on.idle = false; // the wish is on its way: it decides when it is answered
  happen(text, 'focusout');
  assert.equal(text.value, '4.');
  on.idle = true;
  happen(text, 'focusout');
  assert.equal(text.value, '5');
});

test('a field that was left before its answer shows what holds then, also when it has the focus again', () => {
  const text = field('text', { value: '4' });
  const other = field('text', {}, { 'data-bind': 'other' });
  wire(text, other);
  const leave = () => {
    text.focus();
    text.value = '4.';
    happen(text, 'input');
    on.idle = false;
    happen(text, 'focusout');
    other.focus();
  };
  leave();
  shown.held();
  assert.equal(text.value, '5');
  leave();
  text.focus();
  happen(text, 'focusin');
  shown.held();
  assert.equal(text.value, '5');
});

test('a field that has the focus only, and nothing is written in, shows what holds', () => {
  const text = field('text', { value: '4' });
  wire(text);
  text.focus();
  happen(text, 'focusin');
  shown.held();
  assert.equal(text.value, '5');
});

test('a number that the browser cannot read is replaced, though its value looks right', () => {
  const number = field('number', { value: '5', validity: { badInput: true } });
  let writes = 0;
  Object.defineProperty(number, 'value', { get: () => '5', set() { writes += 1; } });
  wire(number);
  shown.held();
  assert.equal(writes, 1);
});

test('a choice shows only what it has', () => {
  const select = Object.assign(el('select', { 'data-bind': 't' }), {
    type: 'select-one', value: 'a', options: [{ value: 'a' }, { value: 'b' }],
  });
  wire(select);
  shown.held();
  assert.equal(select.value, 'a');
  state.t = 'b';
  shown.held();
  assert.equal(select.value, 'b');
});

test('a slider shows what was drawn last, once all is drawn', () => {
  const range = Object.assign(slider('1.5'), { defaultValue: '0.7', checked: false, defaultChecked: false });
  wire(range);
  on.drawn = false;
  shown.held();
  assert.equal(range.value, '1.5');
  on.drawn = true;
  shown.held();
  assert.equal(range.value, '0.7');
});

test('a slider with the focus is moved by Python unless the reader has moved it meanwhile', () => {
  const range = Object.assign(slider('1.5'), { defaultValue: '1.5' });
  const next = Object.assign(slider('0.7'), { defaultValue: '0.7' });
  wire(range);
  shown.focused.after(range, next);
  assert.equal(range.value, '1.5'); // without the focus idiomorph does it
  range.focus();
  on.asked = true;
  shown.focused.after(range, next);
  assert.deepEqual([range.value, range.defaultValue], ['1.5', '0.7']);
  on.asked = false;
  shown.focused.after(range, next);
  assert.equal(range.value, '0.7');
});

test('the choices of a menu with the focus are Python\'s; which of them, the reader\'s until Python has heard', () => {
  const menu = (innerHTML, value) => Object.assign(el('select', { 'data-bind': 't' }), {
    type: 'select-one', inside: innerHTML, value,
  });
  const before = menu('a b', 'a');
  Object.defineProperty(before, 'innerHTML', {
    get: () => before.inside, set: (html) => { before.inside = html; before.value = 'drawn'; },
  });
  const after = Object.assign(menu('a b c', 'c'), { innerHTML: 'a b c' });
  wire(before);
  before.focus();
  on.asked = true;
  shown.focused.before(before, after);
  assert.deepEqual([before.innerHTML, before.value], ['a b c', 'a']);
  on.asked = false;
  before.inside = 'a b';
  shown.focused.before(before, after);
  assert.equal(before.value, 'drawn');
});
