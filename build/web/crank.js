// The crank of /feedback/: turning it, playing (a turn about every second until something else is done), the arrow keys
// and Space, and keeping the newest part of a long drawing in view. Python makes each turn; here is only the hand.

import { quiet, scrolls } from './behaviour.js';

const BEAT = 1000; // ms between turns; a turn that takes longer is waited for

/** state: () => what holds now, wishes included; turn: (values, widget, rest) => ask Python, this widget first, those
 * out of sight when nothing more was asked for `rest` ms; ready: () => whether Python is there and has nothing else to
 * do; failed: () => whether it will not come. Returns {stop}: the hand lets go of the crank. */
export function crank(root, { state, turn: ask, ready, failed = () => false }) {
  let playing = null; // the crank that plays: its widget's id
  let timer = 0;
  let sliding = false; // a slider was what moved last: it speaks for itself

  const last = (el) => Number(el.dataset.crankLast);
  const turn = (el, by, rest) => {
    const name = el.dataset.crank;
    const from = Number(state()[name]);
    const to = Math.min(Math.max(from + by, 0), last(el));
    if (to !== from) ask({ [name]: to }, el.closest('[data-widget]').dataset.widget, rest);
    return to !== from;
  };
  const player = () => playing && root.getElementById(playing)?.querySelector('[data-crank]');
  const show = () => {
    for (const button of root.querySelectorAll('[data-crank-play]')) {
      const on = button.closest('.widget')?.id === playing;
      const word = on ? 'Pause' : 'Play';
      if (button.getAttribute('aria-pressed') !== String(on)) button.setAttribute('aria-pressed', String(on));
      if (button.textContent !== word) button.textContent = word;
      quiet(button.closest('[data-crank]'), on || sliding);
    }
  };
  const stop = () => {
    clearInterval(timer);
    if (playing) ask({}, playing, 0); // now the figures that had to wait
    playing = null;
    show();
  };
  const beat = () => {
    const el = player();
    if (!el) return stop();
    if (failed()) return stop();
    if (!ready()) return undefined; // not yet: wait
    return turn(el, 1, 3 * BEAT) || stop(); // what is out of sight waits until it stops
  };
  const play = (el) => {
    const id = el.closest('.widget').id;
    if (playing === id) return stop();
    stop();
    playing = id;
    timer = setInterval(beat, BEAT);
    show();
    return beat();
  };

  const speak = (aloud) => {
    if (sliding === aloud) { sliding = !aloud; show(); }
  };

  root.addEventListener('click', (event) => {
    const button = event.target.closest?.('button');
    if (!button) return;
    speak(true);
    const el = button.closest('[data-crank]');
    if (el && 'crankPlay' in button.dataset) return play(el);
    if (playing && button.matches('[data-set],[data-tool=reset]')) stop();
    if (el && button.dataset.crankBy) { // not the value in the markup: clicks may be faster than Python
      event.stopPropagation();
      if (button.getAttribute('aria-disabled') !== 'true') turn(el, Number(button.dataset.crankBy));
    }
    return undefined;
  }, true);
  root.addEventListener('input', (event) => {
    if (playing && event.target.matches('[data-bind]')) stop();
    speak(event.target.type !== 'range');
  });

  root.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
    const { target } = event;
    if (target.matches?.('input,select,textarea') || scrolls(target)) return;
    const el = target.closest?.('.widget')?.querySelector('[data-crank]');
    if (!el) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && !target.closest('[data-grid],[data-rove],.tokens,.scroll')) {
      stop();
      speak(true);
      turn(el, by);
      event.preventDefault();
    } else if (event.key === ' ' && el.querySelector('[data-crank-play]') && !target.closest('button,a,summary')) {
      play(el);
      event.preventDefault();
    }
  });

  // After each drawing: the play button as it was, and the end of what grows in view.
  const followed = new WeakMap();
  const follow = (within) => {
    for (const el of within.querySelectorAll('[data-follow]')) {
      const before = followed.get(el);
      followed.set(el, el.dataset.follow);
      if (before !== undefined && before !== el.dataset.follow) el.scrollLeft = el.scrollWidth;
    }
  };
  root.addEventListener('explainer:drawn', (event) => {
    const ended = event.target.querySelector('[data-crank-ended]');
    if (ended && event.target.id === playing && ended.dataset.crankLast) stop(); // the document has come to its end
    show();
    follow(event.target);
  });
  follow(root);
  return { stop };
}
