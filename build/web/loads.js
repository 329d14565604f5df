// The further models that pages ask the worker for. A page has one wish at a time. Pages that wish for the same model
// share its download, and it goes on as long as one of them wants it: what one page cancels, or loses by being closed,
// another still gets. Nothing is fetched before Python is there, nor what Python holds already.
import { ModelError } from './modelfile.js';

/** @typedef {{
 *   client: string, request?: number, name: string, files?: File[], load?: Load | null,
 *   say: (state: string, more?: object) => void,
 * }} Wish of a page; say: tell the page how far it has come */
/** @typedef {{
 *   cancel: AbortController, wishes: Set<Wish>, reading: boolean, progress: import('./modelfile.js').Progress | null,
 * }} Load a download, or files of a reader's, on the way to Python */
/** @typedef {[name: string, size: number, slice: (first: number, end: number) => Uint8Array][]} Slices of files */

const STEP = 500_000; // bytes between two reports

export class Loads {
  /**
   * ready: () => a promise that Python is there, which raises why it is not; here: (name) => what is said of the model
   * of the site that Python holds by that name, or null; fetch: (name, report, signal) => its Slices; own: (files) =>
   * Slices; queue: (work) => has it done in its turn; read: (name, slices) => has Python read it: what is said of it
   * @param {{
   *   ready: () => Promise<unknown>, here: (name: string) => object | null,
   *   fetch: (name: string, report: (progress: import('./modelfile.js').Progress) => void, signal: AbortSignal) =>
   *     Promise<Slices>,
   *   own: (files: File[]) => Slices, queue: (work: () => Promise<void>) => void,
   *   read: (name: string, slices: Slices) => Promise<object>,
   * }} site */
  constructor(site) {
    this.site = site;
    /** @type {Map<string, Wish>} */
    this.wishes = new Map(); // by client
    /** @type {Map<string, Load>} */
    this.coming = new Map(); // by the name of a model of the site
  }

  /** A page wishes for a model. @param {Wish} wish */
  async take(wish) {
    const { client, name, files } = wish;
    this.end(client);
    this.wishes.set(client, wish);
    try {
      await this.site.ready();
      if (this.wishes.get(client) !== wish) return;
      const here = files ? null : this.site.here(name);
      if (here) { this.#answer(wish, 'there', { model: here }); return; }
    } catch (problem) {
      this.#answer(wish, 'failed', { message: said(problem) });
      return;
    }
    const known = files ? undefined : this.coming.get(name);
    const load = known ?? { cancel: new AbortController(), wishes: new Set(), reading: false, progress: null };
    wish.load = load;
    load.wishes.add(wish);
    if (!known) this.#begin(load, name, files);
    else if (load.reading) wish.say('reading');
    else if (load.progress) wish.say('fetching', load.progress);
  }

  /** A page does not want it any more (that one wish, or whatever it is), or is gone.
   * @param {string} client @param {number} [request] */
  end(client, request) {
    const wish = this.wishes.get(client);
    if (!wish || (request !== undefined && wish.request !== request)) return;
    this.#answer(wish, 'cancelled');
    const { load } = wish;
    load?.wishes.delete(wish);
    if (!load || load.wishes.size) return;
    if (this.coming.get(wish.name) === load) this.coming.delete(wish.name);
    load.cancel.abort();
  }

  /** The last word on a wish. @param {Wish} wish @param {string} state @param {object} [more] */
  #answer(wish, state, more) {
    if (this.wishes.get(wish.client) === wish) {
      this.wishes.delete(wish.client);
      wish.say(state, more);
    }
  }

  /** @param {Load} load @param {string} name @param {File[] | undefined} files */
  async #begin(load, name, files) {
    const { fetch, own, queue, read } = this.site;
    /** @param {string} state @param {object} [more] */
    const end = (state, more) => {
      if (this.coming.get(name) === load) this.coming.delete(name);
      for (const wish of load.wishes) this.#answer(wish, state, more);
    };
    if (!files) this.coming.set(name, load);
    try {
      let reported = -STEP;
      const slices = files ? own(files) : await fetch(name, (progress) => {
        if (progress.loaded - reported < STEP && progress.loaded < progress.total) return;
        reported = progress.loaded;
        load.progress = { ...progress };
        for (const wish of load.wishes) wish.say('fetching', load.progress);
      }, load.cancel.signal);
      queue(async () => {
        if (!load.wishes.size) return; // nobody wants it any more
        load.reading = true;
        for (const wish of load.wishes) wish.say('reading');
        try { end('there', { model: await read(name, slices) }); } catch (problem) {
          end('failed', { message: said(problem) });
        }
      });
    } catch (problem) { end('failed', { message: said(problem) }); }
  }
}

/** @param {unknown} problem */
const said = (problem) => (problem instanceof ModelError ? problem.message : 'The model could not be fetched.');
