// The one picture (explainer/ui/parts/climb.py): every floor of a turn is in the drawing, here is only which of them
// have been reached. What is reached lights by CSS; a dot runs along each line that is read, the ball falls, the word
// drops: by this script, where motion is wanted. Without it, and under reduced motion, the same stills follow each
// other.

const RUN = 760; // ms
const POINTS = 14; // of a way, in between it is straight

const wanted = () => !matchMedia('(prefers-reduced-motion: reduce)').matches;
/** @param {HTMLElement | Root} within */
const pictures = (within) => within.querySelectorAll('[data-crank-floors]');

/** Move `el` along a path: from its beginning to its end.
 * @param {Element} el @param {SVGPathElement} path */
export function along(el, path, { duration = RUN, delay = 0, easing = 'ease-in-out' } = {}) {
  const length = path.getTotalLength();
  const way = Array.from({ length: POINTS + 1 }, (_, i) => {
    const { x, y } = path.getPointAtLength((length * i) / POINTS);
    return { transform: `translate(${x}px, ${y}px)` };
  });
  return el.animate(way, { duration, delay, easing, fill: 'backwards', id: 'climb' });
}

const NS = 'http://www.w3.org/2000/svg';

/** What is read travels: a dot along each line of the asked column, and along those that carry the word.
 * @param {SVGElement} svg @param {number} floor */
function carry(svg, floor) {
  const layer = svg.querySelector('.travel');
  layer.replaceChildren();
  /** @type {NodeListOf<SVGPathElement>} */
  const arcs = svg.querySelectorAll(`.arcs[data-f="${floor}"] :is(.asked, .carries)`);
  for (const arc of arcs) {
    const dot = document.createElementNS(NS, 'circle');
    dot.setAttribute('r', String(1.6 + 0.55 * Number(arc.getAttribute('stroke-width'))));
    dot.setAttribute('class', String(arc.getAttribute('class')).replace('arc ', 'dot-of '));
    layer.append(dot);
    along(dot, arc).finished.then(() => dot.remove(), () => dot.remove());
  }
}

/** The ball falls onto the strip; then the word falls to the ground.
 * @param {SVGElement} svg */
function fall(svg) {
  const ball = svg.querySelector('.ball');
  ball?.animate([
    { transform: 'translateY(-46px)' },
    { transform: 'none', offset: 0.6, easing: 'ease-out' },
    { transform: 'translateY(-6px)', offset: 0.78, easing: 'ease-in' },
    { transform: 'none' },
  ], { duration: 420, easing: 'ease-in', id: 'climb' });
  const word = svg.querySelector('.drop');
  if (word) {
    along(word, svg.querySelector('.fall'), { duration: RUN - 60, delay: 380, easing: 'cubic-bezier(.5,.05,.6,1)' });
  }
}

/** Show how far the climb has come. `moving`: one floor further than before, so it may be seen to go there.
 * @param {HTMLElement} el @param {number} floor @param {boolean} moving */
function paint(el, floor, moving) {
  for (const part of el.querySelectorAll('[data-f]')) {
    part.classList.toggle('on', Number(part.dataset.f) <= floor);
    part.classList.toggle('now', Number(part.dataset.f) === floor);
  }
  if (moving) el.closest('.widget').classList.add('climbing'); // there, where no drawing of Python's takes it away
  if (!moving || !wanted()) return;
  const last = Number(el.dataset.crankFloors);
  /** @type {NodeListOf<SVGElement>} */
  const drawings = el.querySelectorAll('svg.climb');
  for (const svg of drawings) {
    if (!svg.getClientRects().length) continue;
    if (floor === last) fall(svg);
    else if (floor < last - 1) carry(svg, floor);
  }
}

/** state: () => what holds, wishes included; pick: (name, value) => ask for it. Returns what is to be called when all
 * that was asked is answered: another model has other floors, and a drawing may come before its floor is told.
 * @param {Root} root @param {{state: () => Values, pick: (name: string, value: string) => void}} how */
export function climb(root, { state, pick }) {
  const seen = new WeakMap(); // picture -> "turn.floor" as it is shown
  /** @param {HTMLElement} el */
  const arrive = (el) => {
    const [turn, floor] = [Number(el.dataset.turn), Number(state().floor)];
    if (turn !== Number(state().turn) || !Number.isInteger(floor)) return; // Python is on its way there
    const before = seen.get(el);
    if (before === `${turn}.${floor}`) { paint(el, floor, false); return; }
    el.closest('.widget').classList.remove('climbing');
    seen.set(el, `${turn}.${floor}`);
    paint(el, floor, before !== undefined && (before === `${turn}.${floor - 1}`
      || (floor === 1 && before === `${turn - 1}.${el.dataset.crankFloors}`)));
  };
  for (const el of pictures(root)) {
    seen.set(el, `${el.dataset.turn}.${state().floor}`);
    arrive(el);
  }
  root.addEventListener('explainer:turned', ({ target, detail }) => { if (detail.drawn) arrive(target); });
  root.addEventListener('explainer:drawn', ({ target }) => { for (const el of pictures(target)) arrive(el); });
  /** @param {HTMLElement} target */
  const press = (target) => {
    const part = target.closest?.('svg.climb :is([data-arc], [data-press])');
    if (part) pick(String(part.closest('svg').dataset.sets), String(part.dataset.arc ?? part.dataset.press));
    return Boolean(part);
  };
  root.addEventListener('click', ({ target }) => { press(target); });
  root.addEventListener('keydown', (event) => {
    if ((event.key === 'Enter' || event.key === ' ') && press(event.target)) event.preventDefault();
  });
  return () => {
    for (const el of pictures(root)) if (seen.get(el) !== `${el.dataset.turn}.${state().floor}`) arrive(el);
  };
}
