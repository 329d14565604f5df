// How far each chapter has been read: a line under its name in the bar and in the contents. Kept in this browser only,
// as the theme is.

const KEPT = 'explainer-read';

/** @returns {Record<string, number>} */
const kept = () => {
  try { return JSON.parse(localStorage.getItem(KEPT) ?? 'null') ?? {}; } catch { return {}; }
};

/** Draw what was read of each chapter, and follow the reader through this one. @param {Root} root */
export function progress(root) {
  const links = [...root.querySelectorAll('.bar [data-chapter]')];
  const here = links.filter((link) => link.hasAttribute('aria-current')); // in the bar and in the contents
  const read = kept();
  /** @param {HTMLElement} link */
  const draw = (link) => {
    const share = Number(read[String(link.dataset.chapter)]) || 0;
    link.style.setProperty('--read', String(Math.min(Math.max(share, 0), 1)));
  };
  links.forEach(draw);
  if (!here.length) return;
  const chapter = String(here[0].dataset.chapter);
  // a long row shows where the reader is
  for (const link of here) link.closest('nav').scrollLeft = link.offsetLeft - 40;

  let waiting = false;
  const measure = () => {
    waiting = false;
    const { scrollHeight, clientHeight } = document.documentElement;
    const most = scrollHeight - clientHeight;
    const far = most > 0 ? Math.round((100 * scrollY) / most) / 100 : 1;
    if (far <= (Number(read[chapter]) || 0)) return;
    read[chapter] = far;
    here.forEach(draw);
    try { localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [chapter]: far })); } catch { /* private mode */ }
  };
  addEventListener('scroll', () => {
    if (!waiting) { waiting = true; requestAnimationFrame(measure); }
  }, { passive: true });
}
