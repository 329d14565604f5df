// The crank: turning it, playing (a turn about every second until something else is done), the arrow keys and Space,
// and keeping the newest part of a long drawing in view. Python makes each turn; here is only the hand. That of the
// picture on the start page has floors within each turn (`data-crank="turn floor"`, so many of them:
// `data-crank-floors`); those of one turn are drawn already, so the page itself goes from one to the next
// (`explainer:turned`, build/web/climb.js), also before Python is there.

import { scrolls } from './behaviour.js';
import { quiet } from './player.js';
import { ARROWS } from './rove.js';

const BEAT = 1000; // ms between turns; a turn that takes longer is waited for
const SLOW = 2.5; // times longer, on request

/** Turn and floor of a place counted through all turns: the last place of a turn is its last floor, not the ground of
 * the next.
 * @param {number} place @param {number} floors
 * @returns {[turn: number, floor: number]} */
export function turnAndFloor(place, floors) {
  const turn = Math.max(0, Math.ceil(place / floors) - 1);
  return [turn, place - turn * floors];
}

/** The next place after `place` at which floor `floor` is reached.
 * @param {number} floor @param {number} place @param {number} floors */
export function nextAt(floor, place, floors) {
  const [turn, now] = turnAndFloor(place, floors);
  return (now < floor ? turn : turn + 1) * floors + floor;
}

/** What a crank turns: the names of the turn and, where it has floors, of the floor. @param {HTMLElement} el */
const namesOf = (el) => String(el.dataset.crank).split(' ');

/** state: () => what holds now, wishes included; turn: (values, widget, rest) => ask Python, this widget first, those
 * out of sight when nothing more was asked for `rest` ms; ready: () => whether Python is there and has nothing else to
 * do; failed: () => whether it will not come.
 * @param {Root} root
 * @param {{
 *   state: () => Values, ready: () => boolean, failed?: () => boolean,
 *   turn: (values: Values, own: string, rest?: number) => void, player: Player,
 * }} how */
export function crank(root, { state, turn: ask, ready, failed = () => false, player }) {
  /** @type {Set<string>} */
  const slow = new Set(); // the ids of widgets that play slowly
  let sliding = false; // a slider was what moved last: it speaks for itself

  /** @param {HTMLElement} el */
  const last = (el) => Number(el.dataset.crankLast);
  /** @param {HTMLElement} el */
  const floors = (el) => Number(el.dataset.crankFloors ?? 1);
  /** @param {HTMLElement} el */
  const place = (el) => {
    const [turned, floor] = namesOf(el).map((name) => Number(state()[name]));
    return floor === undefined ? turned : turned * floors(el) + floor;
  };
  /** @param {HTMLElement} el @param {number} at */
  const values = (el, at) => {
    const names = namesOf(el);
    const held = names.length > 1 ? turnAndFloor(at, floors(el)) : [at];
    return Object.fromEntries(names.map((name, i) => [name, held[i]]));
  };
  /** @param {HTMLElement} el @param {number} at */
  const drawn = (el, at) => 'crankFloors' in el.dataset && turnAndFloor(at, floors(el))[0] === Number(el.dataset.turn);
  /** @param {HTMLElement} el @param {number} by @param {number} [rest] */
  const turn = (el, by, rest) => {
    const from = place(el);
    const to = Math.min(Math.max(from + by, 0), last(el));
    if (to === from) return false;
    ask(values(el, to), String(el.closest('[data-widget]').dataset.widget), rest);
    const detail = { ...values(el, to), drawn: drawn(el, to) };
    el.dispatchEvent(new CustomEvent('explainer:turned', { bubbles: true, detail }));
    return true;
  };
  /** @param {HTMLElement} el */
  const idOf = (el) => String(el.closest('.widget').id);
  const show = () => {
    player.show();
    for (const el of root.querySelectorAll('[data-crank]')) quiet(el, player.plays(idOf(el)) || sliding);
    for (const button of root.querySelectorAll('[data-crank-slow]')) {
      button.setAttribute('aria-pressed', String(slow.has(idOf(button))));
    }
  };
  /** @param {string} id */
  const every = (id) => (slow.has(id) ? SLOW * BEAT : BEAT);
  /** @param {HTMLElement} pressed */
  const play = (pressed, end = Infinity) => {
    const id = idOf(pressed);
    if (player.plays(id) && end === Infinity) return player.stop();
    player.play(id, {
      every: every(id),
      beat: () => {
        const el = root.getElementById(id)?.querySelector('[data-crank]');
        if (!el) return false;
        if (!drawn(el, place(el) + 1)) {
          if (failed()) return false;
          if (!ready()) return true; // not yet: wait
        }
        if (!turn(el, 1, 3 * BEAT)) return false; // what is out of sight waits until it stops
        return place(el) < end;
      },
      stopped: () => { ask({}, id, 0); show(); }, // now the figures that had to wait
    });
    show();
    return player.beat();
  };
  /** @param {string} id */
  const pace = (id) => {
    if (!slow.delete(id)) slow.add(id);
    if (player.plays(id)) player.pace(every(id));
    show();
  };

  /** @param {boolean} aloud */
  const speak = (aloud) => {
    if (sliding === aloud) { sliding = !aloud; show(); }
  };

  root.addEventListener('click', (event) => {
    const button = event.target.closest?.('button');
    if (!button) return;
    speak(true);
    const el = button.closest('[data-crank]');
    if (el && 'crankPlay' in button.dataset) return play(el);
    if (el && 'crankSlow' in button.dataset) return pace(idOf(el));
    if (el && button.dataset.crankTo) { // one whole turn
      event.stopPropagation();
      return play(el, nextAt(Number(button.dataset.crankTo), place(el), floors(el)));
    }
    if (button.matches('[data-set],[data-tool=reset]')) player.stop();
    if (el && button.dataset.crankBy) { // not the value in the markup: clicks may be faster than Python
      event.stopPropagation();
      if (el.dataset.crankFloors) player.stop(); // a step by hand is the hand's
      if (button.getAttribute('aria-disabled') !== 'true') turn(el, Number(button.dataset.crankBy));
    }
    return undefined;
  }, true);
  root.addEventListener('input', (event) => {
    if (event.target.matches('[data-bind]')) player.stop();
    speak(event.target.type !== 'range');
  });

  root.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
    const { target } = event;
    if (target.matches?.('input,select,textarea') || scrolls(target)) return;
    const el = target.closest?.('.widget')?.querySelector('[data-crank]');
    if (!el) return;
    const by = ARROWS[event.key];
    if (by && !target.closest('[data-grid],[data-rove],[data-paths],.tokens,.scroll')) {
      player.stop();
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
  /** @param {Root | HTMLElement} within */
  const follow = (within) => {
    for (const el of within.querySelectorAll('[data-follow]')) {
      const before = followed.get(el);
      followed.set(el, el.dataset.follow);
      if (before !== undefined && before !== el.dataset.follow) el.scrollLeft = el.scrollWidth;
    }
  };
  root.addEventListener('explainer:drawn', (event) => {
    const ended = event.target.querySelector('[data-crank-ended]');
    if (ended?.dataset.crankLast && player.plays(event.target.id)) player.stop(); // the document has come to its end
    show();
    follow(event.target);
  });
  follow(root);
}
