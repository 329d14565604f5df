// A turn of the loop is seen to happen (explainer/ui/parts/drop.py): the ball falls onto the odds of the turn that was
// made, its word falls to the ground, the new column climbs, and the next odds open. Python has drawn all of it; this
// moves it once, in that order. Under reduced motion, and where more than one turn was made, the drawing just changes.

import { along } from './climb.js';

const TURN = 1900; // ms
const PLAYED = 940; // ms, where the next turn follows after a second

const wanted = () => !matchMedia('(prefers-reduced-motion: reduce)').matches;
const id = 'drop';

/** Move the parts of one drawing; `ms` in all. Returns when the word has arrived, in ms.
 * @param {SVGElement} svg @param {number} ms */
function fall(svg, ms) {
  /** @param {number} share */
  const at = (share) => share * ms;
  /** @param {Element} el @param {Keyframe[]} frames @param {number} from @param {number} to */
  const play = (el, frames, from, to, easing = 'linear') => el?.animate(frames, {
    delay: at(from), duration: at(to - from), easing, fill: 'backwards', id,
  });
  /** @param {Element} el @param {number} until */
  const hide = (el, until) => el.animate([{ opacity: 0 }, { opacity: 0 }], { duration: at(until), id });
  /** @param {string} selector */
  const all = (selector) => svg.querySelectorAll(selector);
  const landed = 0.56;
  const was = svg.querySelector('.was');
  play(was, [{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], 0, landed);
  const bounce = [
    { transform: 'translateY(-46px)' }, { transform: 'none', offset: 0.62, easing: 'ease-out' },
    { transform: 'translateY(-6px)', offset: 0.8, easing: 'ease-in' }, { transform: 'none' },
  ];
  play(was.querySelector('.ball'), bounce, 0, 0.24, 'ease-in');
  const chip = svg.querySelector('.last-fall > .drop');
  const easing = 'cubic-bezier(.5,.05,.6,1)';
  along(chip, svg.querySelector('.last-fall > .fall'), { delay: at(0.24), duration: at(landed - 0.24), easing });
  chip.animate([{ opacity: 1 }, { opacity: 1 }], { delay: at(0.24), duration: at(landed - 0.24), id });
  for (const el of all('.word.asked, .fresh')) hide(el, landed);
  const floors = [...all('.level')];
  const step = (0.86 - landed) / floors.length;
  floors.forEach((level, f) => {
    const reached = landed + step * (f + 1);
    for (const el of level.querySelectorAll('.asked')) hide(el, reached);
    for (const el of all(`[data-f="${f}"] > :is(.arc, .stem).asked`)) {
      hide(el, reached - step);
      play(el, [{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }], reached - step, reached);
    }
  });
  hide(svg.querySelector('.roof'), 0.84);
  play(svg.querySelector('.roof'), [{ opacity: 0 }, { opacity: 1 }], 0.84, 1);
  return at(landed);
}

/** @param {Element} el */
function stop(el) {
  const own = el.getAnimations({ subtree: true }).filter((animation) => [id, 'climb'].includes(animation.id));
  for (const animation of own) animation.cancel();
}

/** Wire the pictures with a drop under `root`. @param {Root} root */
export function drops(root) {
  const seen = new WeakMap(); // figure -> the turns that it shows
  /** @param {Root | HTMLElement} within */
  const pictures = (within) => within.querySelectorAll('[data-drops]');
  for (const el of pictures(root)) seen.set(el, Number(el.dataset.drops));
  root.addEventListener('explainer:drawn', ({ target }) => {
    for (const el of pictures(target)) {
      const [before, now] = [seen.get(el), Number(el.dataset.drops)];
      seen.set(el, now);
      if (now === before) continue;
      stop(el);
      if (now !== before + 1 || !wanted()) continue;
      const plays = el.querySelector('[data-crank-play]')?.getAttribute('aria-pressed') === 'true';
      /** @type {NodeListOf<SVGElement>} */
      const drawings = el.querySelectorAll('svg.climb');
      const svg = [...drawings].find((one) => one.getClientRects().length);
      if (!svg) continue;
      const landed = fall(svg, plays ? PLAYED : TURN);
      const cell = el.querySelector('.tape .newest');
      const written = cell?.animate([{ opacity: 0 }, { opacity: 0 }], { duration: landed, id });
      written?.finished.then(() => cell.animate([{ scale: 1.25 }, { scale: 1 }], { duration: 240, id }), () => {});
    }
  });
}
