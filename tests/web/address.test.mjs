// The reader's state in the address (build/web/address.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { read, told, write } from '../../build/web/address.js';

const root = { dataset: {} };
globalThis.document = { documentElement: root };
const at = (href) => new URL(href);
const queryOf = (href) => Object.fromEntries(new URL(href).searchParams);

beforeEach(() => { root.dataset = { mode: 'discover' }; });

test('read takes names from the query and from a hash that has any, the hash last, and interprets nothing', () => {
  const address = at('https://a.example/p/?t=0.7&prompt=Once+there%20was');
  assert.deepEqual(read(address), { t: '0.7', prompt: 'Once there was' });
  assert.deepEqual(read(at('https://a.example/p/?t=1&k=3#t=2')), { t: '2', k: '3' });
  assert.deepEqual(read(at('https://a.example/p/?t=1#sources')), { t: '1' });
  assert.deepEqual(read(at('https://a.example/p/?t=hot&t=cold')), { t: 'cold' });
});

test('read takes no name that cannot be one of ours', () => {
  const long = 'a'.repeat(33);
  assert.deepEqual(read(at(`https://a.example/p/?__proto__=1&T=1&9=1&a-b=1&${long}=1&${long.slice(1)}=1`)), {
    [long.slice(1)]: '1',
  });
});

test('write leaves out what equals the default, also where it is written in another way', () => {
  const defaults = { t: 1, prompt: 'Once', head: null, open: false };
  const [values, still] = [{ t: '1', prompt: 'Once', head: null, open: false }, { weights: 'f00d' }];
  const href = write(values, defaults, still, at('https://a.example/p/'));
  assert.equal(href, 'https://a.example/p/'); // and with nothing to say, not by which weights
  assert.deepEqual(queryOf(write({ t: 0.1 + 0.2, open: true }, defaults, {}, at('https://a.example/p/?k=9'))), {
    t: '0.30000000000000004', open: 'true', // every digit; what no longer holds is gone
  });
});

test('a value that is unset is not written, also where the default is something', () => {
  const href = write({ t: null, k: undefined }, { t: 1, k: 2 }, {}, at('https://a.example/p/'));
  assert.equal(href, 'https://a.example/p/');
});

test('the weights stand beside what depends on them, and not beside a mode or a view alone', () => {
  root.dataset = { mode: 'result', view: 'full', viewSaid: '' };
  const asked = (values) => queryOf(write(values, { t: 1 }, { weights: 'f00d' }, at('https://a.example/p/')));
  assert.deepEqual(asked({ t: 1 }), { mode: 'result', view: 'full' });
  assert.deepEqual(asked({ t: 2 }), { mode: 'result', view: 'full', t: '2', weights: 'f00d' });
});

test('a view that nobody asked for is not written; discover, the usual mode, is not either', () => {
  root.dataset = { mode: 'discover', view: 'compact' };
  assert.deepEqual(queryOf(write({ t: 2 }, { t: 1 }, {}, at('https://a.example/embed/x/'))), { t: '2' });
});

test('the address of a place on the page stays, that of an older state goes', () => {
  const values = { t: 2 };
  assert.equal(write(values, {}, {}, at('https://a.example/p/#sources')), 'https://a.example/p/?t=2#sources');
  assert.equal(write(values, {}, {}, at('https://a.example/p/#t=5')), 'https://a.example/p/?t=2');
});

test('opened from a disk, the state is in the hash, and reads back as it was', () => {
  const href = write({ prompt: 'a = b & c', t: 2 }, {}, { weights: 'f00d' }, at('file:///tmp/p.html?x=1'));
  assert.equal(new URL(href).search, '?x=1');
  assert.deepEqual(read(new URL(href.replace('?x=1', ''))), { prompt: 'a = b & c', t: '2', weights: 'f00d' });
});

test('a value whose default has moved is said with anything else, and never alone', () => {
  const [defaults, moved] = [{ prompt: 'new', turn: 0, seed: null }, ['prompt', 'seed']];
  assert.deepEqual(told({ prompt: 'new', turn: 0, seed: null }, defaults, { moved }), {});
  assert.deepEqual(told({ prompt: 'new', turn: 1, seed: null }, defaults, { moved }), { turn: 1, prompt: 'new' });
  assert.deepEqual(told({ prompt: 'old', turn: 0 }, defaults, { moved }), { prompt: 'old' });
  const href = (values) => queryOf(write(values, defaults, { weights: 'f00d', moved }, at('https://a.example/')));
  assert.deepEqual(href({ prompt: 'new', turn: 1 }), { turn: '1', prompt: 'new', weights: 'f00d' });
  assert.deepEqual(href({ prompt: 'new', turn: 0 }), {});
});

test('about another model, a link says each value whose default is the storyteller’s', () => {
  const [defaults, still] = [{ model: 'storyteller', floor: 5, t: 1 }, { sized: ['floor'] }];
  assert.deepEqual(told({ model: 'tiny', floor: 5, t: 1 }, defaults, still), { model: 'tiny', floor: 5 });
  assert.deepEqual(told({ model: 'storyteller', floor: 5, t: 2 }, defaults, still), { t: 2 });
  const href = write({ model: 'tiny', floor: 5, t: 1 }, defaults, still, at('https://a.example/'));
  assert.deepEqual(queryOf(href), { model: 'tiny', floor: '5' });
});
