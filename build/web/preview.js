// Only in a preview (build/preview.py): reloads the page when a change of it is built, and shows why where it could not
// be.
const known = fetch('/preview.json').then((answer) => answer.json());

const look = async () => {
  const now = await fetch('/preview.json', { cache: 'no-store' }).then((answer) => answer.json()).catch(() => null);
  if (now && now.build !== (await known).build) return location.reload();
  const said = document.querySelector('[data-problem]') ?? document.createElement('pre');
  said.dataset.problem = '';
  said.hidden = !now?.problem;
  if (said.textContent !== (now?.problem ?? '')) said.textContent = now?.problem ?? '';
  if (!said.isConnected) document.querySelector('main').prepend(said);
  return setTimeout(look, 500);
};
look();
