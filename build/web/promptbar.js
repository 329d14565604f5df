// One prompt for a page: the field in its first figure, and, once that is out of sight above, a bar at the lower edge,
// with the crank where the page has one. The other figures follow; their own fields are for embeds.
import { _, fill } from './words.js';

/** Wire the bar of a page, if it has one. `own`: the figure whose field is the page's. @param {Root} root */
export function promptBar(root) {
  const bar = root.querySelector('.prompt-bar');
  const own = root.querySelector('[data-own-prompt]');
  if (!bar || !own || !('IntersectionObserver' in globalThis)) return;
  const crank = bar.querySelector('[data-bar-crank]');
  const main = () => own.querySelector('.button.crank');
  crank.hidden = !main();
  crank.addEventListener('click', () => main()?.click());
  names(root, bar.querySelector('[data-bar-model]'));
  let away = false; // put away by the reader, for this page
  bar.querySelector('[data-bar-close]').addEventListener('click', () => {
    away = true;
    bar.removeAttribute('data-shown');
    bar.inert = true;
  });
  // what lies below the screen counts as on it, so that the figure is off it only above, however one comes there
  new IntersectionObserver((entries) => {
    const above = !away && !entries.at(-1)?.isIntersecting;
    if (!above && bar.contains(root.activeElement)) return; // the reader is writing there
    bar.toggleAttribute('data-shown', above);
    bar.inert = !above;
  }, { rootMargin: '0px 0px 1000000px 0px' }).observe(own);
}

/** The bar says which model the page is about, and leads to where it is chosen: there is room to ask and to wait there,
 * as there is none in the bar. Hidden where a page has no choice. @param {Root} root @param {HTMLElement} sign */
function names(root, sign) {
  /** @type {HTMLSelectElement} */
  const select = root.querySelector('[data-model-choice]');
  if (!sign || !select) return;
  const about = document.documentElement;
  const say = () => {
    const name = about.dataset.model ?? '';
    const option = [...select.options].find((one) => one.value === name);
    const own = !option || option === select.options[0];
    const title = option?.dataset.title ?? (own ? _('storyteller') : _('your file'));
    sign.textContent = title;
    sign.setAttribute('aria-label', fill(_('Model: {title}. Choose another'), { title }));
  };
  say();
  sign.hidden = false;
  new MutationObserver(say).observe(about, { attributeFilter: ['data-model'] });
  sign.addEventListener('click', () => {
    select.scrollIntoView({ block: 'center' });
    select.focus({ preventScroll: true });
  });
}
