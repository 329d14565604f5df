// The choice of the model (build/web/models.html.j2). What it is done with (models.js) is fetched when somebody
// chooses, or an address or an embed's host has chosen: a reader who stays with the storyteller fetches nothing of it.
import { _ } from './words.js';

/** Wire the choice of a page, if it has one. asked: the model in the address, or ''
 * @param {Root} root @param {Choice} choice @param {string} asked */
export function furtherModels(root, choice, asked) {
  const bar = root.querySelector('[data-models]');
  if (!bar) return;
  if (globalThis.explainerMakeWorker) { bar.remove(); return; } // in one file there is no server to have models from
  /** @type {Promise<(name: string) => void> | undefined} */
  let coming;
  const open = () => (coming ??= import(new URL(String(bar.dataset.modelsScript), document.baseURI).href)
    .then((script) => script.models(bar, choice))
    .catch((problem) => { coming = undefined; throw problem; }));
  const select = bar.querySelector('select');
  const own = select.options[0].value;
  select.addEventListener('change', () => {
    const name = select.value;
    open().then((choose) => choose(name), () => {
      select.selectedIndex = 0;
      const more = bar.querySelector('[data-models-more]');
      more.toggleAttribute('data-open', true);
      more.querySelector('p').textContent = _('What other models need could not be fetched. Choose again when there '
        + 'is a connection.');
    });
  });
  const show = () => { // also where none is chosen by default: it is the way back
    bar.hidden = false;
    open().catch(() => {});
  };
  // Back, another page of this visit, or an embed's host
  choice.mirror.on('link', 'values', ({ model }) => { if (model && model !== own) show(); });
  if (asked && asked !== own) show();
}
