// Copying: code by the button beside it.
import { _ } from './words.js';

/** Whether a text could be put on the clipboard. @param {string} text */
export async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here: the old way */ }
  const area = Object.assign(document.createElement('textarea'), { value: text });
  area.style.cssText = 'position:fixed;opacity:0';
  document.body.append(area);
  area.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch { done = false; }
  area.remove();
  return done;
}

/** Wire the buttons that copy the code beside them. */
export function copyButtons() {
  document.addEventListener('click', async ({ target }) => {
    const button = /** @type {HTMLElement} */ (target).closest('[data-copy-from]');
    if (!button) return;
    const code = button.closest('div').querySelector('code').textContent ?? '';
    if (await copy(code)) button.textContent = _('Copied');
  });
}
