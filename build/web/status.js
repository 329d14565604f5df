// The honest status: still, starting (bytes and steps), live, or failed. One place says it to the reader, to other
// scripts (`document.documentElement.dataset.explainer`) and to listeners (`explainer:still`, `explainer:live`,
// `explainer:failed`).

import { hopeful, remedy } from './causes.js';
import { _, fill } from './words.js';

const root = document.documentElement;
const line = document.querySelector('[data-status]');
const text = line?.querySelector('[data-status-text]');
const said = document.querySelector('[data-status-said]'); // what is read aloud: each state once, not every megabyte
const detail = document.querySelector('[data-status-detail]');
/** @param {number} n */
const megabytes = (n) => (n / 1e6).toFixed(1);
/** @type {Record<string, string>} */
const TOLD = { live: _('The figures are live.'), failed: _('The figures are not live.') };
let retry = () => {};

/** @param {string} state @param {string} words @param {object} [eventDetail] */
function become(state, words, eventDetail) {
  const first = root.dataset.explainer !== state;
  root.dataset.explainer = state;
  if (state !== 'starting' && (first || state !== 'failed')) {
    window.dispatchEvent(new CustomEvent(`explainer:${state}`, { detail: eventDetail ?? {} }));
  }
  if (text) text.textContent = words;
  if (said && TOLD[state] !== undefined && said.textContent !== TOLD[state]) said.textContent = TOLD[state];
}

/** @param {string | null} message */
function explain(message, withRetry = false) {
  if (!detail) return;
  detail.hidden = !message;
  const words = detail.querySelector('[data-status-message]');
  if (words.textContent !== (message ?? '')) words.textContent = message ?? '';
  detail.querySelector('[data-retry]').hidden = !withRetry;
}
detail?.querySelector('[data-retry]')?.addEventListener('click', () => { explain(null); retry(); });
detail?.querySelector('[data-dismiss]')?.addEventListener('click', () => explain(null));

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && detail && !detail.hidden && !event.defaultPrevented) explain(null);
});

export const status = {
  still: () => become('still', _('Pictures'), {}),
  /** @param {Progress} message */
  starting: ({ step, loaded, total }) => {
    const [some, all] = [megabytes(loaded), megabytes(total)];
    become('starting', loaded < total ? fill(_('{step}: {some} of {all} MB'), { step: _(step), some, all }) : _(step));
    line?.style.setProperty('--done', String(total ? loaded / total : 0));
  },
  /** @param {Live} message */
  live: ({ ms, bytes, how, reason }) => {
    line?.style.setProperty('--done', '1');
    explain(null);
    become(
      'live',
      fill(how === 'booted' ? _('Live in {time} s (slow start)') : _('Live in {time} s'), {
        time: (ms / 1000).toFixed(1),
      }),
      { ms, bytes, how, reason },
    );
    if (line) {
      line.title = how === 'booted' ? fill(_('Started the slow way: {reason}'), { reason })
        : fill(_('{size} MB read; resumed'), { size: megabytes(bytes) });
    }
  },
  /** @param {Fault} message */
  failed: ({ what, message }) => {
    become('failed', _('Not live'), { what, message });
    explain(`${message} ${_('The pictures stay as they are.')} ${remedy(what)}`.trim(), hopeful(what));
  },
  /** @param {Partial<Fault> & {message: string}} message */
  problem: ({ what, message }) => explain(`${message} ${remedy(what ?? '')}`.trim(), Boolean(what)),
  /** @param {boolean} is */
  slow: (is) => explain(is
    ? _('Python has been busy for half a minute without a word. It may still answer; '
      + 'Retry starts it again with what you have set.')
    : null, is),
  /** @param {string | null | undefined} message */
  notice: (message) => explain(message || null, false),
  /** @param {() => void} callback */
  onRetry: (callback) => { retry = callback; },
};
