// Keep the site for visits without a network: registers the service worker once the page is live, and can remove it again.

const root = document.documentElement;

export function keepForLater() {
  if (root.dataset.embed || !/^https?:$/.test(location.protocol)) return;
  const site = new URL(root.dataset.site, document.baseURI);
  window.addEventListener('explainer:live', async () => {
    try {
      await navigator.serviceWorker?.register(new URL('sw.js', site), { scope: site.pathname });
    } catch { /* not allowed here, or no room: the site works all the same */ }
  }, { once: true });
}

/** Forget everything that the site keeps in this browser. Returns a sentence. */
export async function forget() {
  const site = new URL(root.dataset.site, document.baseURI);
  const registration = await navigator.serviceWorker?.getRegistration(site.href);
  for (const name of (await globalThis.caches?.keys()) ?? []) if (name.startsWith(`explainer ${site.pathname} `)) await caches.delete(name);
  await registration?.unregister();
  try { for (const key of Object.keys(localStorage)) if (key.startsWith('explainer-')) localStorage.removeItem(key); } catch { /* nothing kept */ }
  return registration ? 'Removed: nothing of this site is kept in this browser any more.' : 'Nothing was kept.';
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-forget]');
  if (button) button.nextElementSibling.textContent = await forget();
});
