// Python outlives the figures for a while: a router that changes pages without leaving the document (Turbo, htmx,
// Astro, Material for MkDocs) takes away the last frame before it brings the next, and a shared worker ends with its
// last page.
// So a frame without a face holds on to it, and lets go when no figure has come back in time.

/** @typedef {{generation: number, credentialless: boolean}} Which */

export class Keeper {
  /** @type {HTMLIFrameElement | null} */
  #frame = null;
  #loaded = false;
  #timer = 0;
  /** @type {Which} */
  #which = { generation: 1, credentialless: false };
  /** @type {Set<Element>} */
  #users = new Set();

  /** @param {URL} address of the page that only holds on (embed/keep.html) */
  constructor(address) {
    this.address = address;
    addEventListener('pagehide', () => this.#release()); // put aside whole for Back, nobody keeps a Python
    addEventListener('pageshow', ({ persisted }) => { if (persisted && this.#users.size) this.#take(); });
  }

  /** A figure is live on a shared Python. @param {Element} user @param {Which} which */
  hold(user, which) {
    clearTimeout(this.#timer);
    this.#users.add(user);
    if (this.#which.credentialless !== which.credentialless) this.#release();
    this.#which = which;
    this.#take();
  }

  /** A figure has left the page. @param {Element} user @param {number} seconds that Python may stay */
  leave(user, seconds) {
    if (!this.#users.delete(user) || this.#users.size) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { if (!this.#users.size) this.#release(); }, seconds * 1000);
  }

  #take() {
    if (this.#frame?.isConnected) { this.#tell(); return; }
    const frame = this.#frame = document.createElement('iframe');
    this.#loaded = false;
    frame.onload = () => { this.#loaded = true; this.#tell(); };
    frame.style.display = 'none';
    frame.ariaHidden = 'true';
    frame.title = 'Keeps the figures’ Python';
    frame.credentialless = this.#which.credentialless;
    frame.src = this.address.href;
    document.documentElement.append(frame); // beside the body: some routers replace that
  }

  #tell() {
    const message = { type: 'explainer:keep', generation: this.#which.generation };
    if (this.#loaded) this.#frame?.contentWindow?.postMessage(message, this.address.origin);
  }

  #release() {
    this.#frame?.remove();
    this.#frame = null;
  }
}
