// The choice of the model (build/web/models.html.j2). What it is done with (models.js) is fetched when somebody
// chooses, or an address has chosen: a reader who stays with the storyteller fetches nothing of it.

/** Wire the choice of a page, if it has one. asked: the model in the address, or ''
 * @param {Root} root @param {Choice} choice @param {string} asked */
export function furtherModels(root, choice, asked) {
  const bar = root.querySelector('[data-models]');
  if (!bar) return;
  if (globalThis.explainerMakeWorker) { bar.remove(); return; } // in one file there is no server to have models from
  /** @type {Promise<typeof import('./models.js')> | undefined} */
  let coming;
  const open = () => (coming ??= import(new URL(String(bar.dataset.modelsScript), document.baseURI).href)
    .then((script) => { script.models(bar, choice); return script; })
    .catch((problem) => { coming = undefined; throw problem; }));
  const select = bar.querySelector('select');
  select.addEventListener('change', () => {
    const name = select.value;
    open().then(({ choose }) => choose(name), () => {
      select.selectedIndex = 0;
      bar.querySelector('[data-models-more]').textContent = 'What other models need could not be fetched. Choose again '
        + 'when there is a connection.';
    });
  });
  // Back, or an embed's host
  choice.mirror.on('link', 'shown', (shown) => { if (shown.model) open().catch(() => {}); });
  if (!asked || asked === select.options[0].value) return;
  bar.hidden = false;
  open().catch(() => {});
}
