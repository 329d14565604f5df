// Waiting that is fair to a busy machine: not by the clock, but in turns of a timer. A thread that got no time, or
// slept, finds one turn waiting for it, and whatever else has come meanwhile, in order: it does not take its own
// absence for somebody's silence.
const TURN = 500; // ms

/** Call `callback` after so many ms of turns. Returns a function that stops the waiting.
 * @param {number} ms @param {() => void} callback */
export function afterTurns(ms, callback) {
  if (!Number.isFinite(ms)) return () => {};
  let left = Math.ceil(ms / TURN);
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    callback();
  }, TURN);
  return () => clearInterval(timer);
}
