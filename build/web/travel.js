// Motion that teaches: a value moves from where it was computed to where it is used. Views only name the values:
//
//   data-travel="s3"        this element shows the value s3; several names are separated by spaces
//   data-travel-from="s3"   the value s3 comes from here, in the same drawing (the token drawn, on its way to the tape)
//
// When the reader steps on, what carries the same name before and after travels from the old place to the new one; when
// Python has drawn anew, what was not there before travels from its `data-travel-from`. A copy travels, in a layer
// above the widget, so nothing in the page moves; the next change ends it; under reduced motion nothing travels at all.
// The time is `--travel` (explainer/ui/design.py).

const MOST = 64; // copies at once
const SPREAD = 0.3; // share of the time by which the last of several values starts later than the first

const allowed = () => !matchMedia('(prefers-reduced-motion: reduce)').matches;
/** @param {HTMLElement} el */
const time = (el) => { // in ms; minified style sheets say '.38s'
  const text = getComputedStyle(el).getPropertyValue('--travel').trim();
  return (parseFloat(text) || 0) * (text.endsWith('ms') ? 1 : 1000);
};
/** @param {HTMLElement} el */
const drawn = (el) => el.getClientRects().length > 0 && !el.closest('.travellers');
/** @param {DOMRect} r */
const inView = (r) => r.bottom > 0 && r.right > 0 && r.top < innerHeight && r.left < innerWidth;

/** @typedef {Map<string, {node: HTMLElement, rect: DOMRect}>} Places */

/** Every value shown within `el`: name -> {node, rect}. `kind`: 'travel' or 'travelFrom'.
 * @param {HTMLElement} el @returns {Places} */
function places(el, kind = 'travel') {
  const found = new Map();
  for (const node of el.querySelectorAll(kind === 'travel' ? '[data-travel]' : '[data-travel-from]')) {
    if (!drawn(node)) continue;
    const rect = node.getBoundingClientRect();
    for (const name of String(node.dataset[kind]).split(' ')) if (!found.has(name)) found.set(name, { node, rect });
  }
  return found;
}

/** Where the values are now; to be handed to `arrive` after the change. Ends what still travels in this widget.
 * @param {HTMLElement} el */
export function leave(el) {
  finish(el);
  return allowed() ? places(el) : null;
}

/** After the change: let values travel. After a step (`stepped`) from where they were to where they are used now; after
 * a new drawing only what was not there before, from where it was made.
 * @param {HTMLElement} el @param {Places | null} before */
export function arrive(el, before, { stepped = false } = {}) {
  const widget = el.closest('.widget');
  if (!before || !widget) return;
  const sources = stepped ? before : places(el, 'travelFrom');
  if (!sources.size) return;
  const total = time(widget); // asked as late as this: it makes the browser work out all styles
  if (!total) return;
  /** @type {{from: {node: HTMLElement, rect: DOMRect}, to: {node: HTMLElement, rect: DOMRect}}[]} */
  const trips = [];
  for (const [name, to] of places(el)) {
    const from = sources.get(name);
    if (!from || (!stepped && before.has(name)) || from.node === to.node
      || trips.some((trip) => trip.to.node === to.node)) continue;
    if (inView(from.rect) || inView(to.rect)) trips.push({ from, to });
  }
  if (!trips.length) return;
  const layer = document.createElement('div');
  layer.className = 'travellers';
  layer.inert = true;
  layer.setAttribute('aria-hidden', 'true');
  widget.append(layer);
  const origin = layer.getBoundingClientRect();
  const each = total * (1 - SPREAD);
  const done = trips.slice(0, MOST).map(({ from, to }, i, all) => {
    const delay = all.length > 1 ? (total * SPREAD * i) / (all.length - 1) : 0;
    const copy = copyOf(to.node, to.rect);
    copy.style.left = `${to.rect.left - origin.left}px`;
    copy.style.top = `${to.rect.top - origin.top}px`;
    layer.append(copy);
    const start = `translate(${from.rect.left - to.rect.left}px, ${from.rect.top - to.rect.top}px) `
      + `scale(${from.rect.width / to.rect.width}, ${from.rect.height / to.rect.height})`;
    to.node.animate([{ opacity: 0 }, { opacity: 0 }], { duration: delay + each, id: 'travel' });
    return copy.animate([{ transform: start }, { transform: 'none' }], {
      duration: each, delay, fill: 'backwards', easing: 'cubic-bezier(.45,.05,.3,1)', id: 'travel',
    }).finished;
  });
  Promise.all(done).then(() => layer.remove(), () => layer.remove());
}

/** End what travels in this widget, at once: everything is where it belongs. @param {HTMLElement} el */
export function finish(el) {
  const widget = el.closest('.widget') ?? el;
  const layers = widget.querySelectorAll(':scope > .travellers');
  if (!layers.length) return;
  for (const animation of widget.getAnimations({ subtree: true })) if (animation.id === 'travel') animation.cancel();
  for (const layer of layers) layer.remove();
}

/** A copy of `node` that looks like it outside of its place. @param {HTMLElement} node @param {DOMRect} rect */
function copyOf(node, rect) {
  /** @type {HTMLElement} */
  let copy;
  if (node.matches('table,tr')) { // its classes carry its looks
    const table = node.closest('table');
    copy = /** @type {HTMLElement} */ (table.cloneNode(node === table));
    if (node !== table) {
      copy.append(node.cloneNode(true));
      copy.querySelector('td,th').style.width = `${node.querySelector('td,th').offsetWidth}px`;
    }
    for (const el of [copy, ...copy.querySelectorAll('*')]) {
      for (const { name } of [...el.attributes]) if (/^(id|tabindex|data-)/.test(name)) el.removeAttribute(name);
    }
  } else {
    const looks = getComputedStyle(node);
    copy = document.createElement('div');
    const words = node.querySelector('.text, .what') ?? node;
    copy.textContent = words.textContent;
    for (const name of ['font-family', 'font-size', 'font-weight', 'color', 'border-radius']) {
      copy.style.setProperty(name, looks.getPropertyValue(name));
    }
    const seen = words.getBoundingClientRect();
    if (seen.width < 3) copy.textContent = ''; // words for assistive technology alone
    copy.style.background = looks.backgroundColor === 'rgba(0, 0, 0, 0)' ? 'var(--sunken)' : looks.backgroundColor;
    copy.classList.add('value');
  }
  copy.style.width = `${rect.width}px`;
  copy.style.height = `${rect.height}px`;
  return copy;
}
