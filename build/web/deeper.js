// Sections that are closed at first (`:::: deeper` in the prose). Whatever leads into one opens it: a link, the
// address, a value in the address that only a figure inside shows. What lies in a closed one is not drawn until it is
// opened.

/** The name in the hash of an address; '' where it is none (`#100%`). @param {string} hash */
function named(hash) {
  try { return decodeURIComponent(hash.slice(1)); } catch { return ''; }
}

/** Open every section around an element. Returns the element. @param {HTMLElement} element */
export function reveal(element) {
  /** @type {HTMLDetailsElement | undefined} */
  let at = element?.closest('details');
  for (; at; at = at.parentElement?.closest('details')) at.open = true;
  return element;
}

/** Whether an element lies in a section that is closed. @param {Element} element */
export const isClosed = (element) => Boolean(element.closest('details.deeper:not([open])'));

/** Wire the sections of a page. What is within a figure and shows a value that no control there is bound to says so
 * itself: `data-opens="node"`. `asked`: the names of the values in the address; `opened()` is called when one was
 * opened.
 * @param {Root} root @param {{asked: string[], opened: () => void}} how */
export function deeper(root, { asked, opened }) {
  /** @param {string} selector @returns {NodeListOf<HTMLDetailsElement>} */
  const sections = (selector) => root.querySelectorAll(selector);
  /** @param {string} hash */
  const goTo = (hash) => {
    const target = !hash.includes('=') && root.getElementById(named(hash));
    if (target && isClosed(target)) reveal(target).scrollIntoView();
  };
  const arrive = () => {
    for (const name of asked) {
      for (const part of sections(`[data-opens~="${name}"]`)) part.open = true;
      if (name === 'prompt') continue; // many figures have one
      const controls = [...root.querySelectorAll(
        `[data-bind="${name}"],[data-set~="${name}"],[data-stepper="${name}"]`)];
      if (controls.length && controls.every(isClosed)) reveal(controls[0]);
    }
    goTo(location.hash);
  };
  if (root.querySelector('.second:not([data-settled])')) { // reading.js first
    addEventListener('DOMContentLoaded', arrive, { once: true });
  } else {
    arrive();
  }
  addEventListener('hashchange', () => goTo(location.hash));
  root.addEventListener('click', ({ target }) => {
    const link = /** @type {HTMLAnchorElement} */ (target.closest?.('a[href^="#"]'));
    if (link) goTo(link.hash);
  });
  root.addEventListener('toggle', ({ target }) => { if (target.matches('.deeper[open]')) opened(); }, true);
  addEventListener('beforeprint', () => {
    for (const section of sections('.deeper')) section.open = true;
  });
}
