// A clock that is turned by hand, in the place of the timers.
let timers = new Set(); // {at, every, callback}
let now = 0;
const later = (every) => (callback, ms = 0) => {
  const timer = { at: now + ms, every: every && ms, callback };
  timers.add(timer);
  return timer;
};
globalThis.setTimeout = later(false);
globalThis.setInterval = later(true);
globalThis.clearTimeout = globalThis.clearInterval = (timer) => timers.delete(timer);

/** Forget all timers. */
export function reset() { timers = new Set(); }

/** Let so many seconds pass. */
export function seconds(n) {
  for (const end = now + 1000 * n; ;) {
    const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    if (!next) { now = end; return; }
    now = next.at;
    if (next.every) next.at += next.every; else timers.delete(next);
    next.callback();
  }
}

/** Let all promises that can be kept be kept. */
export const turn = () => new Promise((resolve) => { setImmediate(resolve); });
