// The player: one thing of a page plays at a time, beat after beat, until a beat was the last or the reader does
// something else. What a beat is, its figure says (crank.js: a turn of the loop; behaviour.js: a step of a stepper).

/** What plays: how a beat goes (returns whether there is another), the milliseconds between two, and what is to be done
 * when it stops.
 * @typedef {{ beat: () => boolean, every: number, stopped?: () => void }} Piece */

const BUTTONS = '[data-crank-play],[data-step-play]';

/** While something plays, its steps are not read aloud one after the other; when it stops, they are again.
 * @param {HTMLElement} el @param {boolean} playing */
export function quiet(el, playing) {
  for (const line of el.querySelectorAll('.step-name[aria-live]')) {
    const wanted = playing ? 'off' : 'polite';
    if (line.getAttribute('aria-live') !== wanted) line.setAttribute('aria-live', wanted);
  }
}

/** The player of everything under `root`. A widget is named by its id, as its elements come and go with each drawing.
 * @param {Root} root */
export function player(root) {
  /** @type {string | null} */
  let playing = null;
  /** @type {Piece | null} */
  let piece = null;
  let timer = 0;

  /** Each Play button says what a press would do. */
  const show = () => {
    for (const button of root.querySelectorAll(BUTTONS)) {
      const on = button.closest('.widget')?.id === playing;
      const word = on ? 'Pause' : 'Play';
      if (button.getAttribute('aria-pressed') !== String(on)) button.setAttribute('aria-pressed', String(on));
      if (button.textContent !== word) button.textContent = word;
    }
  };
  const stop = () => {
    clearInterval(timer);
    const ended = piece;
    playing = piece = null;
    if (ended) { ended.stopped?.(); show(); }
  };
  const beat = () => { if (piece && !piece.beat()) stop(); };
  /** @param {number} every */
  const pace = (every) => {
    clearInterval(timer);
    timer = setInterval(beat, every);
  };
  /** @param {string} id @param {Piece} next */
  const play = (id, next) => {
    stop();
    playing = id;
    piece = next;
    pace(next.every);
    show();
  };
  /** @param {string} id */
  const plays = (id) => playing === id;
  return { play, stop, beat, pace, show, plays };
}
