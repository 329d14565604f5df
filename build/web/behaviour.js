// What the page does by itself, without asking Python: stepping, playing, reading a cell, moving with the arrow keys.
import { quiet } from './player.js';
import { ARROWS, moveAmong, moveInGrid, moveInStrip, seat } from './rove.js';
import { arrive, leave } from './travel.js';

/** Show step `to` of a stepper, at once. Returns the step shown.
 * @param {HTMLElement} stepper @param {number} to */
export function showStep(stepper, to) {
  const panels = stepper.querySelectorAll(':scope > .steps > [data-step]');
  const last = panels.length - 1;
  const step = Math.min(Math.max(to, 0), last);
  const before = leave(stepper);
  stepper.dataset.current = String(step);
  for (const panel of panels) panel.hidden = Number(panel.dataset.step) !== step;
  stepper.querySelectorAll('[data-step-to]').forEach((stop) => {
    if (Number(stop.dataset.stepTo) === step) stop.setAttribute('aria-current', 'step');
    else stop.removeAttribute('aria-current');
  });
  /** @param {string} by @param {boolean} off */
  const disable = (by, off) => {
    const button = stepper.querySelector(`[data-step-by="${by}"]`);
    if (off) button?.setAttribute('aria-disabled', 'true');
    else button?.removeAttribute('aria-disabled');
  };
  disable('-1', step === 0);
  disable('1', step === last);
  const name = stepper.querySelector('[data-step-name]');
  const title = panels[step]?.querySelector('h4')?.textContent ?? '';
  if (name) name.textContent = `Step ${step + 1} of ${last + 1}: ${title}`;
  arrive(stepper, before, { stepped: true });
  return step;
}

/** Whether the keys belong to what has the focus, because it scrolls by them.
 * @param {HTMLElement} el */
export function scrolls(el) {
  const { overflowX, overflowY } = getComputedStyle(el);
  const can = /auto|scroll/;
  return (can.test(overflowX) && el.scrollWidth > el.clientWidth)
    || (can.test(overflowY) && el.scrollHeight > el.clientHeight);
}

const STEP = 1600; // ms between two steps that play

/** Wire everything under `root` by delegation. `onStep(stateName, value)` is told of each step shown.
 * @param {Root} root @param {{onStep: (name: string, value: number) => void, player: Player}} to */
export function behave(root, { onStep, player }) {
  /** @param {HTMLElement} stepper @param {number} to */
  const move = (stepper, to) => {
    const before = Number(stepper.dataset.current);
    const now = showStep(stepper, to);
    if (now !== before) onStep(String(stepper.dataset.stepper), now);
    return now !== before;
  };
  /** @param {HTMLElement} stepper */
  const idOf = (stepper) => String(stepper.closest('.widget')?.id);
  /** @param {HTMLElement} stepper */
  const stop = (stepper) => { if (player.plays(idOf(stepper))) player.stop(); };
  /** @param {HTMLElement} stepper */
  const play = (stepper) => {
    if (player.plays(idOf(stepper))) return player.stop();
    const panels = stepper.querySelectorAll(':scope > .steps > [data-step]').length;
    if (Number(stepper.dataset.current) >= panels - 1) move(stepper, 0);
    quiet(stepper, true);
    return player.play(idOf(stepper), {
      every: STEP,
      beat: () => stepper.isConnected && move(stepper, Number(stepper.dataset.current) + 1),
      stopped: () => quiet(stepper, false),
    });
  };

  root.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    const stepper = button?.closest('[data-stepper]');
    if (!stepper) return;
    if (button.dataset.stepBy) {
      if (button.getAttribute('aria-disabled') !== 'true') {
        stop(stepper);
        move(stepper, Number(stepper.dataset.current) + Number(button.dataset.stepBy));
      }
    } else if (button.dataset.stepTo) { stop(stepper); move(stepper, Number(button.dataset.stepTo)); }
    else if ('stepPlay' in button.dataset) play(stepper);
  });

  root.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = event.target;
    if (moveInGrid(target, event.key)) return event.preventDefault();
    if (target.matches?.('input,select,textarea') || scrolls(target)) return;
    if (moveAmong(target, event.key) || moveInStrip(target, event.key)) return event.preventDefault();
    const stepper = target.closest?.('[data-stepper]') ?? target.closest?.('.widget')?.querySelector('[data-stepper]');
    if (!stepper) return;
    const by = ARROWS[event.key];
    if (by) { stop(stepper); move(stepper, Number(stepper.dataset.current) + by); event.preventDefault(); }
    else if (event.key === ' ' && stepper.querySelector('[data-step-play]') && !target.closest('button,a,summary')) {
      play(stepper);
      event.preventDefault();
    }
  });

  // Reading a cell: its value, and how it was made, in the figure's read-out line.
  /** @type {HTMLElement | null} */
  let told = null;
  /** @param {HTMLElement} cell */
  const tell = (cell) => {
    if (cell === told) return;
    told = cell;
    const line = cell.closest('.figure')?.querySelector('[data-readout]');
    if (!line) return;
    line.dataset.empty ??= line.textContent;
    line.textContent = describe(cell);
  };
  /** @param {HTMLElement} figure */
  const forget = (figure) => {
    const line = figure?.querySelector('[data-readout]');
    if (line && 'empty' in line.dataset) line.textContent = line.dataset.empty ?? '';
    told = null;
  };
  const moved = pointer();
  root.addEventListener('pointerover', (event) => {
    if (!moved(event) && told === root.activeElement) return; // it was reached by the keyboard, which scrolled here
    const cell = event.target.closest?.('[data-v],[data-why]');
    if (cell) tell(cell);
    else if (told && !event.target.closest?.('.readout')) forget(told.closest('.figure'));
  });
  root.addEventListener('focusin', (event) => {
    const cell = event.target.closest?.('[data-v],[data-why]');
    if (!cell) return;
    tell(cell);
    if (cell.matches('td')) name(cell);
  });

  seat(root);
  return { seat: () => seat(root) };
}

/** A function of a pointer's event: whether the pointer itself has moved since the last one. The page moving under it
 * is no pointing. */
export function pointer() {
  const rest = { x: NaN, y: NaN };
  /** @param {{screenX: number, screenY: number}} event */
  return ({ screenX: x, screenY: y }) => {
    const moved = x !== rest.x || y !== rest.y;
    Object.assign(rest, { x, y });
    return moved;
  };
}

/** What assistive technology says of a cell that has the focus: how it was made; its value, if only a colour shows
 * it.
 * @param {HTMLElement} cell */
function name(cell) {
  const { v, why } = cell.dataset;
  if (why) cell.setAttribute('aria-description', why);
  if (v && !cell.textContent.trim()) cell.setAttribute('aria-label', v);
}

/** The sentence for a cell: its row and column, the exact value, and how it was made.
 * @param {HTMLElement} cell */
export function describe(cell) {
  const why = cell.dataset.why;
  const value = cell.dataset.v;
  if (!(cell instanceof HTMLTableCellElement)) {
    return [why ?? cell.getAttribute('aria-label') ?? cell.textContent.trim(), value].filter(Boolean).join(': ');
  }
  const row = cell.closest('tr').querySelector('th')?.textContent.trim();
  const column = cell.closest('table').tHead?.rows[0]?.cells[cell.cellIndex]?.textContent.trim();
  const where = [row, column].filter(Boolean).join(' → ');
  // a story rounds: after it the value itself, unless it is there or is no number
  const exact = value === '' ? '–' : value?.replaceAll('-', '−');
  const story = why && exact && Number.isFinite(Number.parseFloat(String(value))) && !why.includes(exact)
    ? `${why}; exactly ${exact}` : why;
  return [where, story ?? exact].filter(Boolean).join(': ');
}
