// What pointing at a drawing means (build/web/aim.js): distances and which is nearest; the drawing itself is tested in
// a browser (tests/site/test_aim.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REACH, apart, nearest } from '../../build/web/aim.js';

const way = (...points) => points.map(([x, y]) => ({ x, y }));

test('a point lies as far from a line as from the nearest place of it, not of its ends alone', () => {
  const bend = way([0, 0], [10, 0], [10, 10]);
  assert.equal(apart(5, 3, bend), 3);
  assert.equal(apart(13, 5, bend), 3);
  assert.equal(apart(-3, -4, bend), 5);
  assert.equal(apart(13, 14, bend), 5);
  assert.equal(apart(4, 3, way([0, 0])), 5);
  assert.equal(apart(4, 3, way([0, 0], [0, 0])), 5);
});

test('the nearest within reach is meant, the first of two that are equally near, else none', () => {
  const some = [{ what: 'a', far: 9 }, { what: 'b', far: 4 }, { what: 'c', far: 4 }, { what: 'd', far: 30 }];
  assert.equal(nearest(some, 12), 'b');
  assert.equal(nearest(some.slice(3), 12), null);
  assert.equal(nearest([], 12), null);
});

test('a line or a dot that stands alone is at least 24 pixels thick to a thumb', () => {
  assert.ok(2 * REACH >= 24);
});
