// The paths grid (explainer/ui/parts/grid.py): pointing at a node lights up its cones, the arrow keys go from node to
// node, a click (Enter, Space) pins. Python put both cones of every node into the markup, as bit sets; here is only set
// membership.

import { sit } from './rove.js';

/** Is bit `i` of the hexadecimal set `hex` set? @param {string} hex @param {number} i */
export function has(hex, i) {
  const at = hex.length - 1 - (i >> 2);
  return at >= 0 && ((parseInt(hex[at], 16) >> (i & 3)) & 1) === 1;
}

/** The role of node `i` as seen from `node` (its element): self, reads, influences or none.
 * @param {HTMLElement} node @param {number} i */
export function role(node, i) {
  if (i === Number(node.dataset.i)) return 'self';
  if (has(String(node.dataset.reads), i)) return 'reads';
  return has(String(node.dataset.influences), i) ? 'influences' : 'none';
}

/** An arrow belongs to the cone that both its ends belong to. @param {string} from @param {string} to */
export function edgeRole(from, to) {
  if (from === 'reads' && (to === 'reads' || to === 'self')) return 'reads';
  return to === 'influences' && (from === 'influences' || from === 'self') ? 'influences' : 'none';
}

/** @typedef {HTMLElement & {shown?: HTMLElement | null}} Grid the node whose cones are lit is kept with it */

/** @param {Grid} grid @param {HTMLElement | null} node */
function paint(grid, node) {
  if (grid.shown === node) return;
  grid.shown = node;
  /** @type {string[]} */
  const roles = [];
  for (const other of grid.querySelectorAll('.node')) {
    const i = Number(other.dataset.i);
    roles[i] = node ? role(node, i) : '';
    other.dataset.role = roles[i];
  }
  for (const edge of grid.querySelectorAll('[data-e]')) {
    const [from, to] = String(edge.dataset.e).split(' ').map(Number);
    edge.dataset.role = node ? edgeRole(roles[from], roles[to]) : '';
  }
}

/** @param {Grid} grid */
const pinned = (grid) => grid.querySelector('.node[aria-pressed=true]');
/** @param {Grid} grid */
const lively = (grid) => grid.classList.contains('lively');

/** Where an arrow key leads: the node one column or one level on, or at the end of the row or column.
 * @param {Grid} grid @param {HTMLElement} node @param {string} key */
function neighbour(grid, node, key) {
  const columns = Number(grid.dataset.columns);
  const nodes = [...grid.querySelectorAll('.node')];
  const levels = nodes.length / columns;
  const i = Number(node.dataset.i);
  const [level, position] = [Math.floor(i / columns), i % columns];
  const to = /** @type {Record<string, number[]>} */ ({
    ArrowLeft: [level, position - 1], ArrowRight: [level, position + 1],
    ArrowUp: [level + 1, position], ArrowDown: [level - 1, position],
    Home: [level, 0], End: [level, columns - 1], PageUp: [levels - 1, position], PageDown: [0, position],
  })[key];
  if (!to) return undefined;
  if (to[0] < 0 || to[0] >= levels || to[1] < 0 || to[1] >= columns) return null;
  return nodes.find((n) => Number(n.dataset.i) === to[0] * columns + to[1]);
}

/** @param {Grid} grid @param {HTMLElement} node */
const seat = (grid, node) => sit(node, grid.querySelectorAll('.node[tabindex="0"]'));

/** Where a drawing is scrolled, the names of its levels stay at the left. @param {HTMLElement} scroller */
function keepNames(scroller) {
  const names = /** @type {SVGGElement} */ (scroller.querySelector('.levels'));
  if (!names) return;
  const moved = scroller.scrollLeft / (names.ownerSVGElement?.getScreenCTM()?.a ?? 1);
  if (moved > 0) names.setAttribute('transform', `translate(${moved} 0)`);
  else names.removeAttribute('transform');
}

/** Wire all grids under `root`. `pick(name, value)` is told which node was pinned, under its state name.
 * @param {Root} root @param {{pick: (name: string, value: string) => void}} how */
export function paths(root, { pick }) {
  /** @param {{target: HTMLElement}} event */
  const nodeOf = ({ target }) => target.closest?.('[data-paths] .node');
  /** @param {HTMLElement} node @returns {Grid} */
  const gridOf = (node) => node.closest('[data-paths]');

  /** @param {HTMLElement} node */
  const choose = (node) => {
    const grid = gridOf(node);
    if (!grid.dataset.sets) return;
    for (const other of grid.querySelectorAll('.node[aria-pressed=true]')) other.setAttribute('aria-pressed', 'false');
    node.setAttribute('aria-pressed', 'true');
    seat(grid, node);
    if (lively(grid)) paint(grid, node);
    pick(grid.dataset.sets, String(node.dataset.pick));
  };

  root.addEventListener('pointerover', (event) => {
    const node = nodeOf(event);
    if (node && lively(gridOf(node))) paint(gridOf(node), node);
  });
  root.addEventListener('pointerout', (event) => {
    const node = nodeOf(event);
    if (!node || !lively(gridOf(node))) return;
    const grid = gridOf(node);
    if (!grid.contains(event.relatedTarget) || !event.relatedTarget.closest('.node')) paint(grid, pinned(grid));
  });
  root.addEventListener('focusin', (event) => {
    const node = nodeOf(event);
    if (node?.matches(':focus-visible') && lively(gridOf(node))) paint(gridOf(node), node);
  });
  root.addEventListener('focusout', (event) => {
    const node = nodeOf(event);
    if (node && lively(gridOf(node)) && !gridOf(node).contains(event.relatedTarget)) {
      paint(gridOf(node), pinned(gridOf(node)));
    }
  });
  root.addEventListener('click', (event) => {
    const node = nodeOf(event);
    if (node) choose(node);
  });
  root.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const node = nodeOf(event);
    if (!node) return;
    if (event.key === 'Enter' || event.key === ' ') { choose(node); event.preventDefault(); return; }
    const next = neighbour(gridOf(node), node, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (!next) return;
    seat(gridOf(node), next);
    next.focus();
  });
  // on a narrow screen: the pinned column in sight
  /** @param {Root | HTMLElement} within */
  const inSight = (within) => {
    for (const node of within.querySelectorAll('.grid-scroll .node[aria-pressed=true]')) {
      const scroller = node.closest('.grid-scroll');
      if (scroller.scrollWidth <= scroller.clientWidth) continue;
      const [at, frame] = [node.getBoundingClientRect(), scroller.getBoundingClientRect()];
      scroller.scrollLeft += at.left + at.width / 2 - frame.left - frame.width / 2;
    }
  };
  inSight(root);
  root.addEventListener('toggle', ({ target }) => { if (target.matches('.grows[open]')) inSight(target); }, true);
  for (const scroller of root.querySelectorAll('.grid-scroll[data-follow]')) { // and what was written last
    scroller.scrollLeft = scroller.scrollWidth;
  }
  root.addEventListener('scroll', (event) => {
    if (event.target.classList?.contains('grid-scroll')) keepNames(event.target);
  }, { capture: true, passive: true });
  root.addEventListener('explainer:drawn', (event) => {
    for (const scroller of event.target.querySelectorAll('.grid-scroll')) keepNames(scroller);
  });
  root.addEventListener('explainer:drawn', (event) => { // new markup: what is pointed at stays lit, where it still is
    for (const grid of /** @type {NodeListOf<Grid>} */ (event.target.querySelectorAll('[data-paths].lively'))) {
      grid.shown = undefined;
      const pointed = grid.querySelector('.node:hover') ?? grid.querySelector('.node:focus-visible');
      paint(grid, pointed ?? pinned(grid));
    }
  });
}
