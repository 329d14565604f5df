// The page without a face that holds on to the site's one Python while no figure does (keeper.js, in the host's page).
import { openWorker } from './connection.js';

const url = new URL(String(document.documentElement.dataset.worker), document.baseURI);
/** @type {Port | null} */
let port = null;

function release() {
  try { port?.post({ type: 'close', client: 'keeper' }); } catch { /* it is gone */ }
  port?.end?.();
  port = null;
}

addEventListener('message', ({ source, data }) => {
  if (source !== parent || data?.type !== 'explainer:keep') return;
  const before = port; // which may be that of a worker that is no more: hold the one that is there, then let go
  port = null;
  if (typeof SharedWorker === 'function') {
    const held = port = openWorker(url, { generation: Math.min(Math.max(Number(data.generation) || 1, 1), 1000) });
    if (!held.shared) release();
    else held.listen((message) => {
      if (message.type !== 'leaving' || held !== port) return;
      held.post({ type: 'left', client: 'keeper' });
      release();
    }, () => { if (held === port) port = null; });
  }
  before?.post({ type: 'close', client: 'keeper' });
  before?.end?.();
});
addEventListener('pagehide', release);
