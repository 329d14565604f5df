// Waiting in turns of a timer (build/web/turns.js).
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { reset, seconds } from '../unit/clock.mjs';
import { afterTurns } from '../../build/web/turns.js';

let called;
beforeEach(() => { reset(); called = 0; });
const call = () => { called += 1; };

test('it calls once, after whole turns', () => {
  afterTurns(1200, call);
  seconds(1.4);
  assert.equal(called, 0);
  seconds(0.2);
  assert.equal(called, 1);
  seconds(60);
  assert.equal(called, 1);
});

test('stopped, it never calls; for ever, neither', () => {
  const stop = afterTurns(1000, call);
  seconds(0.9);
  stop();
  afterTurns(Infinity, call)();
  afterTurns(Number.NaN, call);
  seconds(3600);
  assert.equal(called, 0);
});
