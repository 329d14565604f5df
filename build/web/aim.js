// Aiming: in a drawing whose lines and dots are finer than a pointer or a thumb, what is meant is the nearest of them,
// within reach. A press beside it presses it, and pointing beside it points at it; which of them that is stands out
// (`aimed`). What a key or assistive technology presses has no place on the screen, and is taken as it is.

import { pointer } from './behaviour.js';

export const REACH = 15; // CSS pixels around a line or a dot
const POINTS = 16; // of a curve, in between it is straight
const SOME = '.node, .on > .arc, .wires';
const DIRECT = '[data-press], .chip, .ask'; // large enough: what is pressed there is meant

/** How far a point lies from a line through points, none of it too far to be seen.
 * @param {number} x @param {number} y @param {{x: number, y: number}[]} way */
export function apart(x, y, way) {
  let least = Infinity;
  for (let i = 0; i < way.length; i += 1) {
    const [a, b] = [way[i], way[i + 1] ?? way[i]];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = dx || dy ? Math.min(Math.max(((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy), 0), 1) : 0;
    least = Math.min(least, Math.hypot(x - a.x - along * dx, y - a.y - along * dy));
  }
  return least;
}

/** The nearest of some within reach, the first of those that are equally near; null: none.
 * @template T @param {{what: T, far: number}[]} some @param {number} reach @returns {T | null} */
export function nearest(some, reach) {
  let best = null;
  for (const one of some) if (one.far <= reach && one.far < (best?.far ?? Infinity)) best = one;
  return best && best.what;
}

/** @type {WeakMap<Element, {d: string | null, way: {x: number, y: number}[]}>} */
const ways = new WeakMap();
/** The points of a curve, remembered as long as it is the same. @param {SVGPathElement} path */
function wayOf(path) {
  const d = path.getAttribute('d');
  const known = ways.get(path);
  if (known?.d === d) return known.way;
  const length = path.getTotalLength();
  const way = Array.from({ length: POINTS + 1 }, (_, i) => path.getPointAtLength((length * i) / POINTS));
  ways.set(path, { d, way });
  return way;
}

/** What is meant by pointing at a place of the screen in a drawing: a dot, a line or a wire; null: none is near.
 * @param {SVGSVGElement} svg @param {number} clientX @param {number} clientY */
export function meant(svg, clientX, clientY) {
  const matrix = svg.getScreenCTM();
  if (!matrix) return null;
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
  const some = [...svg.querySelectorAll(SOME)].map((what) => {
    if (what.matches('.node')) { // a dot, and a little around it, before the lines that end there
      const at = what.querySelector('circle').getBoundingClientRect();
      const far = Math.hypot(clientX - at.left - at.width / 2, clientY - at.top - at.height / 2);
      return { what, far: Math.max(0, far - Math.max(at.width / 2, REACH / 2)) };
    }
    /** @type {any[]} */
    const lines = what.matches('path') ? [what] : [...what.querySelectorAll('.wire')];
    return { what, far: matrix.a * Math.min(...lines.map((line) => apart(x, y, wayOf(line)))) };
  });
  return nearest([...some.filter(({ what }) => what.matches('.node')), ...some], REACH);
}

/** Let pointing at and pressing the drawings under `root` mean the nearest. @param {Root} root */
export function aim(root) {
  /** @type {HTMLElement | null} */
  let aimed = null;
  /** @param {HTMLElement | null} to */
  const show = (to) => {
    if (aimed === to && (to?.classList.contains('aimed') ?? true)) return false;
    aimed?.classList.remove('aimed');
    aimed?.closest('svg')?.classList.remove('aims');
    aimed = to;
    to?.classList.add('aimed');
    to?.closest('svg').classList.toggle('aims', Boolean(to.closest('[data-sets]')));
    return true;
  };
  /** @param {{target: HTMLElement, clientX: number, clientY: number}} at @returns {HTMLElement} */
  const to = ({ target, clientX, clientY }) => {
    const svg = /** @type {SVGSVGElement} */ (target.closest?.('svg.climb'));
    if (!svg || target.closest(DIRECT)) return target;
    return meant(svg, clientX, clientY) ?? target;
  };
  const moved = pointer();

  /** @param {PointerEvent & {target: HTMLElement}} event */
  const point = (event) => {
    if (!event.isTrusted || (event.type === 'pointermove' && !moved(event))) return;
    const found = to(event);
    const svg = event.target.closest?.('svg.climb');
    const changed = show(svg ? /** @type {HTMLElement | null} */ (found.closest(SOME)) : null);
    const inside = found.contains(event.target);
    if (event.type === 'pointerover' ? inside : !changed) return;
    if (!inside && event.type === 'pointerover') event.stopPropagation();
    const { clientX, clientY, screenX, screenY, pointerType } = event;
    const again = { bubbles: true, clientX, clientY, screenX, screenY, pointerType };
    (svg ? found : event.target).dispatchEvent(new PointerEvent('pointerover', again));
  };
  root.addEventListener('pointerover', point, true);
  root.addEventListener('pointermove', point, true);
  // A browser moves a tap to what it takes for the target, the next dot; the finger itself was where it went down.
  /** @type {{target: HTMLElement, clientX: number, clientY: number} | null} */
  let down = null;
  root.addEventListener('pointerdown', ({ target, clientX, clientY, pointerType }) => {
    down = pointerType === 'touch' ? { target, clientX, clientY } : null;
  }, true);
  root.addEventListener('click', (event) => {
    if (!event.isTrusted || !event.detail) return;
    const svg = event.target.closest?.('svg.climb');
    const found = to(svg && down?.target.closest?.('svg.climb') === svg ? down : event);
    if (found.contains(event.target)) return;
    event.stopPropagation();
    found.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
  }, true);
}
