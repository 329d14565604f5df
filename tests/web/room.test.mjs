// What an embed shows and the room it takes (build/web/room.js); that it is as in build/heights.py: test_web.py.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded, isFull, isState, lightness, plain, roomAt, themeOf } from '../../build/web/room.js';

test('an embed is compact, unless all is asked for, or a value that only all of it shows', () => {
  const beyond = ['layer', 'head'];
  assert.equal(isFull({}, beyond), false);
  assert.equal(isFull({ t: '1' }, beyond), false);
  assert.equal(isFull({ head: '' }, beyond), true);
  assert.equal(isFull({ view: 'full' }, []), true);
  assert.equal(isFull({ view: 'compact', head: '1' }, beyond), false); // who says so has the last word
  assert.equal(isFull({ view: 'nonsense', head: '1' }, beyond), true);
  assert.equal(isFull({ '': '1' }, ''.split(' ')), false); // of a figure that has nothing beyond
});

test('from each width to the next one its height counts, before the first the first', () => {
  const widths = [320, 480, 720];
  const heights = [900, 500, 600];
  for (const [width, height] of [[320, 900], [321, 900], [479, 900], [480, 500], [500, 500], [719, 500], [720, 600],
    [2000, 600], [100, 900]]) assert.equal(roomAt(heights, widths, width), height, `${width} px`);
  assert.equal(roomAt([], widths, 500), 560);
});

test('names of the state are told from those of the element and of the page', () => {
  const own = new Set(['widget', 'class']);
  for (const name of ['t', 'prompt', 'a_b1']) assert.ok(isState(name, own), name);
  for (const name of ['widget', 'class', 'data-x', 'onclick!', 'A', '_x', 'a'.repeat(33)]) {
    assert.ok(!isState(name, own), name);
  }
});

test('a text that is too long keeps its end', () => {
  assert.equal(bounded(`x${'y'.repeat(19999)}z`), `${'y'.repeat(19999)}z`);
  assert.equal(bounded('short'), 'short');
});

test('of what a frame says only plain values under plain names are handed on', () => {
  assert.deepEqual(plain({ t: 1, prompt: 'a', open: true, none: null, list: [1], deep: {}, f() {}, 'a-b': 1, x1: 2 }), {
    t: 1, prompt: 'a', open: true, none: null,
  });
  for (const nothing of [null, undefined, 'text', 5]) assert.deepEqual(plain(nothing), {});
});

test('the theme of a host is that of its color-scheme, and where it says none, of its text', () => {
  const white = 'rgb(255, 255, 255)';
  const black = 'rgb(18, 18, 18)';
  for (const [colorScheme, color, canvas, theme] of [
    ['normal', 'rgb(0, 0, 0)', white, 'light'],
    ['normal', 'rgb(230, 230, 230)', white, 'dark'], // dark by its own style sheet
    ['light', 'rgb(230, 230, 230)', white, 'light'], // a light caption on a photograph: the host has said what it is
    ['dark', 'rgb(0, 0, 0)', black, 'dark'],
    ['light dark', 'rgb(255, 255, 255)', black, 'dark'],
    ['normal', 'oklch(0.9 0 0)', '', 'light'], // nothing that can be read
  ]) assert.equal(themeOf({ colorScheme, color, canvas }), theme, `${colorScheme} ${color}`);
  assert.equal(lightness('color(srgb 1 1 1)'), 1);
  assert.equal(lightness('rgba(0, 0, 0, 0)'), null);
});
