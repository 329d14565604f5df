// The page: a still article with still widgets that becomes live. What is drawn stays drawn; Python is only linked to it.
import { Idiomorph } from 'idiomorph/dist/idiomorph.esm.js';
import * as address from './address.js';
import { behave, showStep } from './behaviour.js';
import { climb } from './climb.js';
import { Connection, openWorker } from './connection.js';
import { crank } from './crank.js';
import { embedded, whenWanted } from './embedded.js';
import { linked } from './links.js';
import { Mirror } from './mirror.js';
import { paths } from './paths.js';
import { onward } from './onward.js';
import { guesses } from './guesses.js';
import { upToDate } from './offline.js';
import { progress } from './progress.js';
import { status } from './status.js';
import { stories } from './stories.js';
import { toolbars } from './tools.js';
import { arrive, leave } from './travel.js';
import { vocabularies } from './vocabulary.js';

const still = JSON.parse(document.getElementById('explainer-still').textContent);
const mirror = new Mirror(still);
const defaults = Object.freeze({ ...mirror.get('link', 'values') });
const state = { ...defaults };    // what holds now, the reader's latest wishes included
const wishes = {};                // what the reader (or the link) asked for, to be asked again after a restart
const widgets = new Map([...document.querySelectorAll('[data-widget]')].map((el) => [el.dataset.widget, el]));
const body = (el) => el.querySelector('[data-body]');

// ---- from Python: new markup, values, messages

const morphing = {
  morphStyle: 'innerHTML',
  ignoreActiveValue: true,
  callbacks: {
    beforeNodeMorphed: (node, next) => {
      // idiomorph spares the inside of whatever has the focus; only what is being typed deserves that, a button's words do not
      if (node === document.activeElement && next instanceof Element && !node.matches('input,select,textarea') && node.innerHTML !== next.innerHTML) node.innerHTML = next.innerHTML;
      // the choices of a list are Python's; what is chosen among them is the reader's, until Python has heard of it
      if (node === document.activeElement && node.matches('select') && next instanceof HTMLSelectElement && node.innerHTML !== next.innerHTML) {
        const chosen = node.value;
        node.innerHTML = next.innerHTML;
        if (node.dataset.bind in connection.waiting) node.value = chosen;
      }
      // it spares its value, too: right for a field, but a button's value is what Python wants to be asked next
      if (node === document.activeElement && node.matches('button') && next instanceof HTMLButtonElement) node.value = next.value;
      // what a script of the page has made inside a figure stays as it is; a drawing, row or vector that is the same need not be compared bit by bit
      return !(node instanceof Element && ('own' in node.dataset || (node.matches('svg, tr, .vector') && node.isEqualNode(next))));
    },
    afterNodeMorphed: (node, next) => {
      // nor a slider's, where it was not the hand on it that moved it (Back, another text): what is drawn is what holds
      if (node !== document.activeElement || !node.matches('input[type=range]')) return;
      node.defaultValue = next.defaultValue; // idiomorph leaves that alone, too
      if (read(node) !== read(next) && !(node.dataset.bind in connection.waiting)) node.value = next.value;
    },
    // the page's own: which drawer is open, which cell is in the tab order, which line is not read aloud just now
    beforeAttributeUpdated: (name, node) => !(name === 'aria-live' || (name === 'open' && node.matches('details')) || (name === 'tabindex' && node.closest('[data-grid]'))),
  },
};

function redraw(el, html) {
  const before = leave(el);
  Idiomorph.morph(body(el), html, morphing);
  for (const stepper of el.querySelectorAll('[data-stepper]')) place(stepper);
  hands.seat();
  const messages = mirror.get('link', 'messages') ?? {};
  if (Object.keys(messages).length) say(messages); // new markup comes with empty lines for them
  el.dispatchEvent(new CustomEvent('explainer:drawn', { bubbles: true }));
  arrive(el, before);
}

/** Say what Python could not do as asked: beside its control, or, where it has none, in the notice. What a link asked for may
 * lie anywhere on the page, so all of it stands in the notice until the reader does something. */
let fromLink = false;
function say(messages) {
  const placed = new Set();
  for (const line of document.querySelectorAll('[data-message]')) {
    const words = messages[line.dataset.message] ?? '';
    if (line.textContent !== words) line.textContent = words; // an unchanged line is not read aloud again
    placed.add(line.dataset.message);
  }
  status.notice(Object.entries(messages).filter(([name, text]) => !alien(name, text) && (fromLink || !placed.has(name))).map(([, text]) => text).join(' '));
}

/** A word for a number in the page's first address (`?source=twitter`) is another site's, not the reader's: it is taken for
 * nothing, and said at most beside the field of that name, where whoever wrote `?t=hot` will look. */
const alien = (name, text) => name in asked && typeof (defaults[name] ?? 0) === 'number' && !/\d/.test(asked[name]) && text.startsWith(`“${asked[name].slice(0, 29)}`);

function place(stepper) {
  const wanted = Number(state[stepper.dataset.stepper] ?? stepper.dataset.current);
  if (!Number.isInteger(wanted)) return; // a link may say anything; Python will say what it takes it for
  if (wanted !== Number(stepper.dataset.current) || stepper.querySelector(`[data-step="${wanted}"]`)?.hidden) showStep(stepper, wanted);
}

for (const [name, el] of widgets) mirror.on(name, 'html', (html) => redraw(el, linked(html)));
mirror.on('link', 'values', (values) => {
  Object.assign(state, values, connection.waiting);
  for (const name in state) if (!(name in defaults)) delete state[name]; // wishes that are no state (first, a piece of work)
  remember('replace');
  window.dispatchEvent(new CustomEvent('explainer:change', { detail: { ...state } }));
});
mirror.on('link', 'messages', say);

/** Everything asked is answered: what Python holds is what holds, also where it took a wish (`t=0.50`, half a sum) for what it had. */
function hold() {
  const held = mirror.get('link', 'values');
  Object.assign(state, held);
  for (const name in state) if (!(name in held)) delete state[name]; // a wish that is no state, and changed none (the same name again)
  // after a restart it is these that are asked for: what holds now, in today's terms, and nothing that was asked once (a name, say)
  for (const name in wishes) if (!(name in held)) delete wishes[name];
  for (const [name, value] of Object.entries(held)) if (name in wishes || String(value) !== String(defaults[name])) wishes[name] = value;
  remember('replace');
  for (const field of document.querySelectorAll('[data-bind]')) if (field !== document.activeElement || field !== written || field.matches('select,[type=checkbox]')) showHeld(field);
}

let written = null; // the field in which the reader is writing: what stands there is the reader's until it is left
document.addEventListener('input', ({ target }) => { written = target; });
document.addEventListener('focusin', () => { written = null; });

/** A field shows what holds (or what is shown for it), also where something else was typed: once it is left. */
const TYPED = 'input[type=number][data-bind],input[type=text][data-bind],textarea[data-bind]';
function showHeld(field) {
  const name = field.dataset.bind;
  const held = { ...state, ...mirror.get('link', 'shown') }[name] ?? '';
  if (field.type === 'number') { if (field.validity.badInput || field.value !== String(held)) field.value = held; } // 1e3 is written 1000
  else if (field.matches(TYPED)) { if (field.value !== String(held)) field.value = held; }
  else if (field.matches('[type=checkbox],[type=range]')) { if (!behind && !unfinished()) asDrawn(field); }
  else if (field.matches('select') && field.value !== String(held) && [...field.options].some(({ value }) => value === String(held))) field.value = held;
}
/** A box or a slider stands as Python drew it last, also where the reader's move was taken back before Python heard of it. */
function asDrawn(field) {
  field.checked = field.defaultChecked;
  if (field.value !== field.defaultValue) field.value = field.defaultValue;
}
document.addEventListener('focusout', ({ target }) => {
  if (target.matches(TYPED) && connection.isIdle && !typing) showHeld(target);
});

// ---- from the reader: controls

/** Ask for values: shown as wished at once where the page can, by Python where it must. */
function wish(values, how = 'push') {
  fromLink = false;
  Object.assign(state, values);
  Object.assign(wishes, values);
  connection.request(sightFirst(values));
  remember(how);
}

/** The request for `values` in which the figures in sight come first; the others follow one by one (`catchUp`). */
let behind = null; // the widgets that still have to follow, by name: `near` when Python is idle, `far` when no slider moves
function sightFirst(values) {
  const seen = sight.seen();
  const far = [...widgets.keys()].filter((name) => !seen.includes(name));
  behind = seen.length && far.length ? { near: [], far } : null;
  return { ...values, first: behind ? seen.join(' ') : '', hurry: false };
}

/** When Python is idle: let what is begun go on, then the next figure follow, so that a next wish never waits for more than one
 * piece of one figure. */
const unfinished = () => Boolean(mirror.get('link', 'more'));
let pieces = 0;
function catchUp() {
  if (unfinished()) { connection.request({ piece: (pieces += 1) }, false); return; }
  if (!behind) return;
  const near = behind.near.shift();
  if (near) { connection.request({ first: near }, false); return; }
  if (resting) return;
  const next = behind.far.shift();
  if (next === undefined) behind = null;
  connection.request({ first: next ?? '', hurry: false }, false);
}

/** A slider (or the crank) on its way in the widget `own`: that follows at once, then the others in sight, and, when it rests,
 * all the others. In a `hurry` (a slider) a figure computes for a moment only, and is finished when the slider rests. */
let resting = 0;
function slide(values, own, { rest = 200, hurry = true } = {}) {
  fromLink = false;
  Object.assign(state, values);
  Object.assign(wishes, values);
  const names = [...widgets.keys()].filter((name) => name !== own);
  const seen = sight.seen();
  behind = { near: names.filter((name) => seen.includes(name)), far: [own, ...names.filter((name) => !seen.includes(name))] };
  connection.request({ ...values, first: own, hurry });
  remember(resting ? 'replace' : 'push');
  clearTimeout(resting);
  resting = setTimeout(() => { resting = 0; if (connection.isIdle) catchUp(); }, rest);
}

const read = (control) => {
  if (control.type === 'checkbox') return control.checked;
  if (control.type === 'range') {
    const [at, max, step] = [control.value, control.max, control.step].map(Number);
    const place = max - at < step / 2 ? max : at; // the last step may miss the end by a rounding
    const value = control.dataset.scale === 'log' ? 10 ** place : place;
    return 'whole' in control.dataset ? Math.round(value) : Number(value.toPrecision(6)); // as fine as a hand, and as an address should be
  }
  return control.value;
};

let turn = 0;
const slid = new WeakMap(); // slider -> the position that was sent last
let typing = 0; // timer
document.addEventListener('input', (event) => {
  const control = event.target.closest('[data-bind]');
  if (!control || control.matches('select,[type=checkbox]')) return; // these speak by `change`
  if (control.type === 'range') { slid.set(control, control.value); return slide({ [control.dataset.bind]: read(control) }, control.closest('[data-widget]').dataset.widget); }
  const send = () => wish({ [control.dataset.bind]: read(control) }, 'replace');
  clearTimeout(typing);
  if (control.matches('[type=text],[type=number],textarea')) { typing = setTimeout(() => { typing = 0; send(); }, 180); document.documentElement.toggleAttribute('data-busy', true); }
  else send();
});
document.addEventListener('change', (event) => {
  const control = event.target.closest('[data-bind]');
  if (!control) return;
  clearTimeout(typing);
  typing = 0;
  if (slid.get(control) === control.value) return; // it was sent on the way
  wish({ [control.dataset.bind]: read(control) });
});
document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-set],button[data-add]');
  if (!button) return;
  if (button.dataset.add) return wish({ [button.dataset.add]: Number(state[button.dataset.add]) + Number(button.value) });
  const names = button.dataset.set.split(' ');
  const values = button.value.split('\u001f');
  wish(Object.fromEntries(names.map((name, i) => [name, values[i]])));
});

const hands = behave(document, { onStep: (name, value) => wish({ [name]: value }, 'replace') });
crank(document, { state: () => state, turn: (values, own, rest) => slide(values, own, { rest, hurry: false }), ready: () => connection.isIdle });
paths(document, { pick: (name, value) => wish({ [name]: value }) });
climb(document, { state: () => state, pick: (name, value) => wish({ [name]: value }) });

// ---- the address, Back and Forward

function remember(how) {
  const url = address.write(state, defaults, still.weights);
  if (url === location.href) return;
  try { history[how === 'push' ? 'pushState' : 'replaceState'](null, '', url); } catch { /* an embedder may forbid it */ }
}
window.addEventListener('popstate', () => {
  const there = address.read();
  const values = Object.fromEntries(Object.keys(defaults).map((name) => [name, there[name] ?? null]));
  for (const name in values) state[name] = values[name] ?? defaults[name];
  for (const stepper of document.querySelectorAll('[data-stepper]')) place(stepper);
  Object.assign(wishes, values);
  connection.request(sightFirst(values));
});

// ---- one Python

/** Where the worker is. In the page's address, `boot=ordinary` asks it not to resume (for the bench, and to compare), and
 * `patience=60` to wait that many seconds for a stalled connection (20 otherwise). */
const asking = new URLSearchParams(location.search);
const workerUrl = new URL(document.documentElement.dataset.worker, document.baseURI);
const patience = Math.min(Math.max(Number(asking.get('patience')) || 20, 1), 600);
if (asking.get('boot') === 'ordinary') workerUrl.searchParams.set('how', 'boot');
if (patience !== 20) workerUrl.searchParams.set('patience', patience);

/** Python is there: the page is live once it shows what the link, or the reader meanwhile, asked for. */
let arrived = null;
function announce() {
  if (!arrived) return;
  status.live({ ...arrived, ms: Math.round(performance.now() - connection.began) });
  arrived = null;
  say(mirror.get('link', 'messages') ?? {});
}

const connection = new Connection({
  mirror,
  name: still.name,
  values: () => (Object.keys(wishes).length ? sightFirst(wishes) : wishes),
  makeWorker: globalThis.explainerMakeWorker ?? ((which) => openWorker(workerUrl, which)),
  patience: globalThis.explainerMakeWorker ? Infinity : patience * 1000,
  url: globalThis.explainerMakeWorker ? null : workerUrl,
  on: {
    progress: status.starting,
    live: (message) => { arrived = message; if (!Object.keys(connection.waiting).length) announce(); },
    failed: (message) => { arrived = null; status.failed(message); },
    problem: (message) => { announce(); status.problem(message); },
    slow: status.slow,
    wait: status.notice,
    busy: (busy) => { if (!busy && !unfinished()) announce(); for (const el of widgets.values()) el.toggleAttribute('data-catching-up', busy && (arrived !== null || !connection.isLive)); document.documentElement.toggleAttribute('data-busy', busy || behind !== null || unfinished()); if (!busy) { hold(); catchUp(); } },
  },
});

const packed = document.getElementById('explainer-asked'); // what was on screen when a reader took this figure away
const asked = Object.fromEntries(Object.entries({ ...(packed && JSON.parse(packed.textContent)), ...address.read() }).filter(([name]) => name in defaults));
if (Object.keys(asked).length) {
  fromLink = true;
  Object.assign(state, asked);
  Object.assign(wishes, asked, { weights: packed ? still.weights : address.read().weights ?? '' });
  for (const stepper of document.querySelectorAll('[data-stepper]')) place(stepper);
}

stories(document, { mirror, connection, widgets });
const sight = onward(document, { ask: (name) => connection.request({ [name]: (turn += 1) }, false), live: () => connection.isLive });
vocabularies(document);
toolbars({ widgets, state: () => state, defaults, wish, address, still });
embedded({ set: (values) => wish(values, 'replace'), defaults });
upToDate();
progress(document);
guesses(document, document.documentElement.dataset.page);
status.onRetry(() => connection.restart());
status.still();
window.explainer = { state: () => ({ ...state }), set: (values) => wish(values) };
whenWanted(() => connection.start());
window.addEventListener('pagehide', (event) => { if (event.persisted) connection.rest(); else connection.close(); });
window.addEventListener('pageshow', (event) => { if (event.persisted) connection.wake(); });
