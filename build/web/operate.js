// What a reader can do with widgets, and what becomes of Python's answers, under any root: the site's document
// (page.js), or the shadow root of a Panel component (panel.js). What differs between the two is said by the host.
import { Idiomorph } from 'idiomorph/dist/idiomorph.esm.js';
import { aim } from './aim.js';
import { behave, showStep } from './behaviour.js';
import { climb } from './climb.js';
import { controls, read } from './controls.js';
import { crank } from './crank.js';
import { isClosed } from './deeper.js';
import { drops } from './drop.js';
import { onward } from './onward.js';
import { paths } from './paths.js';
import { player } from './player.js';
import { stories } from './stories.js';
import { arrive, leave } from './travel.js';
import { vocabularies } from './vocabulary.js';

/** @param {HTMLElement} el */
const body = (el) => el.querySelector('[data-body]');

/** `el`, for idiomorph: it asks the document for the focus, which within a shadow root is known to that root alone.
 * @param {HTMLElement} el @param {Root} root */
function inRoot(el, root) {
  const doc = el.ownerDocument;
  if (Object.is(root, doc) || Object.hasOwn(el, 'ownerDocument')) return el;
  /** @type {Record<string, any>} */
  const own = { // and what waits for its new place, waits beside the old one, so that nobody's style sheet is lost
    get activeElement() { return root.activeElement; },
    documentElement: el.parentElement,
  };
  const value = new Proxy(doc, {
    get: (_, /** @type {string} */ name) => {
      const found = name in own ? own[name] : doc[/** @type {keyof Document} */ (name)];
      return typeof found === 'function' ? found.bind(doc) : found;
    },
  });
  return Object.defineProperty(el, 'ownerDocument', { value });
}

/** Let the reader operate the widgets under `root`.
 *
 * root: Document, or what does for a shadow root (panel.js: within)
 * widgets: Map of name -> element; mirror: as in mirror.js; defaults: {name: value}
 * connect: ({values, busy}) => the Connection, which is to ask and to tell these two
 * host: {notice(words); remember('push' or 'replace' the address); changed(state); asked(whether Python is asked
 *   something); working(whether something asked is not on screen yet); live() and failed(): whether Python is there, or
 *   will not come; linked(html): with its links to pages; alien(name, words): whether a message is about what nobody
 *   here has asked}
 *
 * Returns {connection, state, wish, opened, turnTo, say, stop, look, unfinished, drawOpened, end}.
 *
 * @param {Root} root
 * @param {{
 *   widgets: Map<string, HTMLElement>, mirror: import('./mirror.js').Mirror, defaults: Values, host: Host,
 *   connect: (how: {values: () => Values, busy: (asked: boolean) => void}) => import('./connection.js').Connection,
 * }} site */
export function operate(root, { widgets, mirror, defaults, connect, host }) {
  /** @type {Values} */
  const state = { ...mirror.get('link', 'values') }; // what holds now, the reader's latest wishes included
  /** @type {Values} */
  const wishes = {}; // what the reader (or the link) asked for, to be asked again after a restart

  // ---- from Python: new markup, values, messages

  const control = controls(root, {
    held: (name) => ({ ...state, ...mirror.get('link', 'shown') })[name],
    asked: (name) => name in connection.waiting,
    drawn: () => !behind && !unfinished(),
    idle: () => connection.isIdle && !typing,
  });
  const morphing = {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    callbacks: {
      /** @param {Field} node @param {Field} next */
      beforeNodeMorphed: (node, next) => {
        control.focused.before(node, next);
        // what a script of the page has made inside a figure stays as it is; a drawing, row or vector that is the same
        // need not be compared bit by bit
        if (!(node instanceof Element)) return true;
        return !('own' in node.dataset || (node.matches('svg, tr, .vector') && node.isEqualNode(next)));
      },
      afterNodeMorphed: control.focused.after,
      // the page's own: which drawer is open, which cell is in the tab order, which line is not read aloud just now
      /** @param {string} name @param {HTMLElement} node */
      beforeAttributeUpdated: (name, node) => {
        if (name === 'open') return !node.matches('details');
        return name !== 'aria-live' && !(name === 'tabindex' && node.closest('[data-grid]'));
      },
    },
  };

  /** @param {HTMLElement} el @param {string} html */
  function redraw(el, html) {
    const before = leave(el);
    Idiomorph.morph(inRoot(body(el), root), html, morphing);
    for (const stepper of el.querySelectorAll('[data-stepper]')) place(stepper);
    hands.seat();
    const messages = mirror.get('link', 'messages') ?? {};
    if (Object.keys(messages).length) say(messages); // new markup comes with empty lines for them
    el.dispatchEvent(new CustomEvent('explainer:drawn', { bubbles: true }));
    arrive(el, before);
  }

  /** Say what Python could not do as asked: beside its control, or, where it has none, in the notice. What a link asked
   * for may lie anywhere on the page, so all of it stands in the notice until the reader does something. */
  let fromLink = false;
  /** @param {Record<string, string>} messages */
  function say(messages) {
    const placed = new Set();
    for (const line of root.querySelectorAll('[data-message]')) {
      const name = String(line.dataset.message);
      const words = messages[name] ?? '';
      if (line.textContent !== words) line.textContent = words; // an unchanged line is not read aloud again
      placed.add(name);
    }
    const left = Object.entries(messages).filter(([name]) => fromLink || !placed.has(name));
    host.notice(left.filter(([name, words]) => !host.alien(name, words)).map(([, words]) => words).join(' '));
  }

  /** @param {HTMLElement} stepper */
  function place(stepper) {
    const wanted = Number(state[String(stepper.dataset.stepper)] ?? stepper.dataset.current);
    if (!Number.isInteger(wanted)) return; // a link may say anything; Python will say what it takes it for
    const panel = stepper.querySelector(`[data-step="${wanted}"]`);
    if (wanted !== Number(stepper.dataset.current) || panel?.hidden) showStep(stepper, wanted);
  }
  const placeAll = () => { for (const stepper of root.querySelectorAll('[data-stepper]')) place(stepper); };

  for (const [name, el] of widgets) mirror.on(name, 'html', (html) => redraw(el, host.linked(html)));
  mirror.on('link', 'values', (values) => {
    Object.assign(state, values, connection.waiting);
    // but not wishes that are no state (first, a piece of work)
    for (const name in state) if (!(name in defaults)) delete state[name];
    host.remember('replace');
    host.changed({ ...state });
  });
  mirror.on('link', 'messages', say);

  /** Everything asked is answered: what Python holds is what holds, also where it took a wish (`t=0.50`, half a sum)
   * for what it had. */
  function hold() {
    const held = mirror.get('link', 'values');
    Object.assign(state, held);
    // but not a wish that is no state, and changed none (the same name again)
    for (const name in state) if (!(name in held)) delete state[name];
    // after a restart it is these that are asked for: what holds now, in today's terms, and nothing that was asked once
    // (a name)
    for (const name in wishes) if (!(name in held)) delete wishes[name];
    for (const [name, value] of Object.entries(held)) {
      if (name in wishes || String(value) !== String(defaults[name])) wishes[name] = value;
    }
    host.remember('replace');
    control.held();
    seatPictures();
  }

  // ---- from the reader: controls

  /** Ask for values: shown as wished at once where the page can, by Python where it must.
   * @param {Values} values @param {How} how */
  function wish(values, how = 'push') {
    fromLink = false;
    Object.assign(state, values);
    Object.assign(wishes, values);
    connection.request(sightFirst(values));
    host.remember(how);
  }

  /** What a link asked for, before Python is there to be asked. also: {name: value}, to be asked with it
   * @param {Values} asked @param {Values} also */
  function opened(asked, also = {}) {
    fromLink = true;
    Object.assign(state, asked);
    Object.assign(wishes, asked, also);
    placeAll();
  }

  /** Back and Forward: `values` hold now, null for the default. @param {Values} values */
  function turnTo(values) {
    for (const name in values) state[name] = values[name] ?? defaults[name];
    placeAll();
    Object.assign(wishes, values);
    connection.request(sightFirst(values));
  }

  /** The request for `values` in which the figures in sight come first; the others follow one by one (`catchUp`). */
  // the widgets that still have to follow, by name: `near` when Python is idle, `far` when no slider moves
  /** @type {{near: string[], far: string[]} | null} */
  let behind = null;
  // what lies in closed sections waits until they are opened
  /** @type {Set<string>} */
  const waiting = new Set();
  const inOpen = () => [...widgets].filter(([, el]) => !isClosed(el)).map(([name]) => name);
  const leaveClosed = () => { for (const [name, el] of widgets) if (isClosed(el)) waiting.add(name); };
  /** The last to be drawn: all ('' to Python), or, where sections are closed, what is open. */
  const lastly = () => (inOpen().length < widgets.size ? inOpen().join(' ') || 'none' : '');
  /** @param {Values} values */
  function sightFirst(values) {
    leaveClosed();
    const seen = sight.seen();
    const far = inOpen().filter((name) => !seen.includes(name));
    behind = seen.length && far.length ? { near: [], far } : null;
    return { ...values, first: behind ? seen.join(' ') : lastly(), hurry: false };
  }

  /** When Python is idle: let what is begun go on, then the next figure follow, so that a next wish never waits for
   * more than one piece of one figure. */
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
    connection.request({ first: next ?? lastly(), hurry: false }, false);
  }

  let resting = 0; // timer
  /** A slider (or the crank) on its way in the widget `own`: that follows at once, then the others in sight, and, when
   * it rests, all the others. In a `hurry` (a slider) a figure computes for a moment only, and is finished when the
   * slider rests. @param {Values} values @param {string} own */
  function slide(values, own, { rest = 200, hurry = true } = {}) {
    fromLink = false;
    Object.assign(state, values);
    Object.assign(wishes, values);
    leaveClosed();
    const names = inOpen().filter((name) => name !== own);
    const seen = sight.seen();
    behind = {
      near: names.filter((name) => seen.includes(name)),
      far: [own, ...names.filter((name) => !seen.includes(name))],
    };
    connection.request({ ...values, first: own, hurry });
    host.remember(resting ? 'replace' : 'push');
    clearTimeout(resting);
    resting = setTimeout(() => { resting = 0; if (connection.isIdle) catchUp(); }, rest);
  }

  let turn = 0;
  /** @type {WeakMap<Field, string>} */
  const slid = new WeakMap(); // slider -> the position that was sent last
  let typing = 0; // timer
  /** @param {Field} field */
  const valueOf = (field) => ({ [String(field.dataset.bind)]: read(field) });
  root.addEventListener('input', ({ target }) => {
    const field = /** @type {Field} */ (target.closest('[data-bind]'));
    if (!field || field.matches('select,[type=checkbox]')) return; // these speak by `change`
    if (field.type === 'range') {
      slid.set(field, field.value);
      slide(valueOf(field), String(field.closest('[data-widget]').dataset.widget));
      return;
    }
    const send = () => wish(valueOf(field), 'replace');
    clearTimeout(typing);
    if (field.matches('[type=text],[type=number],textarea')) {
      typing = setTimeout(() => { typing = 0; send(); }, 180);
      host.working(true);
    } else send();
  });
  root.addEventListener('change', ({ target }) => {
    const field = /** @type {Field} */ (target.closest('[data-bind]'));
    if (!field) return;
    clearTimeout(typing);
    typing = 0;
    if (slid.get(field) === field.value) return; // it was sent on the way
    wish(valueOf(field));
  });
  root.addEventListener('click', ({ target }) => {
    const button = /** @type {HTMLButtonElement} */ (target.closest('button[data-set],button[data-add]'));
    if (!button) return;
    if (button.dataset.add) {
      wish({ [button.dataset.add]: Number(state[button.dataset.add]) + Number(button.value) });
      return;
    }
    const values = button.value.split('\u001f');
    wish(Object.fromEntries(String(button.dataset.set).split(' ').map((name, i) => [name, values[i]])));
  });

  const playing = player(root);
  const hands = behave(root, { onStep: (name, value) => wish({ [name]: value }, 'replace'), player: playing });
  crank(root, {
    state: () => state,
    turn: (values, own, rest) => slide(values, own, { rest, hurry: false }),
    ready: () => host.live() && connection.isIdle,
    failed: host.failed,
    player: playing,
  });
  aim(root);
  paths(root, { pick: (name, value) => wish({ [name]: value }) });
  const seatPictures = climb(root, { state: () => state, pick: (name, value) => wish({ [name]: value }) });
  drops(root);

  const connection = connect({
    values: () => (Object.keys(wishes).length ? sightFirst(wishes) : wishes),
    busy: (asked) => {
      host.asked(asked);
      host.working(asked || behind !== null || unfinished());
      if (!asked) { hold(); catchUp(); }
    },
  });

  stories(root, { mirror, connection, widgets });
  const sight = onward(root, {
    ask: (name) => connection.request({ [name]: (turn += 1) }, false),
    live: () => connection.isLive,
  });
  vocabularies(root);

  /** A section was opened: what lies in it shows what holds. */
  const drawOpened = () => {
    const due = inOpen().filter((name) => waiting.delete(name));
    if (due.length) connection.request({ first: lastly() }, false);
  };

  /** The widgets are taken away: nothing moves by itself any more. */
  function end() {
    playing.stop();
    sight.end();
    clearTimeout(typing);
    clearTimeout(resting);
  }
  return {
    connection, state, wish, opened, turnTo, say, unfinished, drawOpened, stop: playing.stop, look: sight.look, end,
  };
}
