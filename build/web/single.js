// A page in one file: Python and the model are in the file itself, as text; no request is made. For file:// as for any
// server.
import { portOf } from './connection.js';

/** @param {string} id */
const text = (id) => document.getElementById(id).textContent ?? '';

/** @param {string} base64 */
function bytes(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const chars = atob(base64);
  const out = new Uint8Array(chars.length);
  for (let i = 0; i < chars.length; i += 1) out[i] = chars.charCodeAt(i);
  return out;
}

self.explainerMakeWorker = () => {
  const url = URL.createObjectURL(new Blob([text('explainer-worker')], { type: 'text/javascript' }));
  const worker = new Worker(url); // a classic worker: under file:// a module worker cannot be made from a Blob
  for (const part of document.querySelectorAll('[data-file]')) {
    const data = bytes(part.textContent ?? '');
    worker.postMessage({ type: 'file', name: part.dataset.file, data }, [data.buffer]);
  }
  worker.postMessage({ type: 'files' });
  return portOf(worker);
};
