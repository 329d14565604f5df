// One connection from a page to Python: through the SharedWorker that all pages and embeds of the site share, or
// through a worker of our own where there is none. Keeps at most one request in flight; while it is, newer values
// replace older ones.
//
// A worker may die (its process is ended, memory runs out). Two signs of it: the lock that it holds for life comes
// free, or it owes an answer and says nothing although it has announced no work. Then another is started, with what the
// reader had.
import { afresh, sandboxed, whyNot } from './causes.js';
import { afterTurns } from './turns.js';
import { _, fill } from './words.js';

const TICK = 500; // ms; silence, too, is counted in turns (turns.js)
const DEAD = 8; // turns without a word where no work was announced
const LATE = 3; // times the patience with a silent line, until what has not begun to come counts as failed
const LONG = 60; // turns without a word at work that was announced: the reader is told, and decides

export class Connection {
  /**
   * mirror: Mirror; name: the document to open; page: the folder of the page that it is of; shows: () => {widget: print
   * of the still that it shows} of those that still do; values: () => everything the reader has set, sent on
   * (re)opening; makeWorker({generation, shared}) => {post, listen(onmessage, onerror), end?, shared?}; patience: ms
   * within which the worker must say its first word; url: of its script
   * on: {progress, live, failed, problem, busy, wait, slow, model, holds} callbacks
   * @param {{
   *   mirror: Pick<import('./mirror.js').Mirror, 'adopt' | 'apply' | 'id'>, name: string, page?: string,
   *   shows?: () => Record<string, string | undefined>, makeWorker: MakeWorker, values: () => Values,
   *   patience?: number, url?: string | URL | null, on: Heard,
   * }} options
   */
  constructor({ mirror, name, page, shows = () => ({}), makeWorker, values, patience = Infinity, url = null, on }) {
    this.mirror = mirror;
    this.name = name;
    this.page = page;
    this.shows = shows;
    this.makeWorker = makeWorker;
    this.values = values;
    this.patience = patience;
    this.url = url;
    this.spoiled = false; // whether the worker's script did not come well
    this.on = on;
    /** @type {Port | null} */
    this.port = null;
    /** @type {number | undefined} */
    this.began = undefined; // ms
    this.heard = false; // whether this worker has said anything
    this.working = false; // whether it has announced work
    this.opening = false; // whether the document is being opened
    this.gone = false; // whether the worker is known to be no more, and nothing has taken its place
    this.resting = false; // whether the page is put aside
    this.patient = false; // whether the reader has been told of a long wait
    this.silent = 0; // turns without a word
    this.timer = 0;
    /** @type {AbortController | undefined} */
    this.guard = undefined;
    this.client = crypto.randomUUID?.() ?? `c${Math.random().toString(36).slice(2)}${performance.now()}`;
    /** @type {Values} */
    this.waiting = {}; // values not yet sent
    /** @type {Values} */
    this.sent = {}; // values in flight
    /** @type {Values} */
    this.owed = {}; // values that failed for a file that did not come, until the reader asks for others
    this.inFlight = 0;
    this.seq = 0;
    this.isLive = false;
    this.was = false; // whether it has been live
    this.shared = true; // whether a SharedWorker may do
    // a worker that is there but of no use has used up its name; all pages count alike, so they meet again
    this.generation = 1;
    this.restarts = 0; // by itself, since the reader last did something
    /** @type {Held | null} */
    this.holds = null; // the further model that Python has
    /** @type {{name: string, request: number, files?: File[], reading?: boolean} | null} */
    this.taking = null; // the one that the reader has asked for
    this.requests = 0; // how many such wishes there were
    this.leaving = false; // whether the worker is to end once all is answered
    this.meant = false; // whether the worker's end has been announced
  }

  start() {
    this.leave();
    this.began = this.began === undefined ? 0 : performance.now(); // the first time all of the page's life counts
    Object.assign(this, {
      gone: false, heard: false, working: false, opening: true, leaving: false, meant: false, holds: null,
    });
    /** @type {Port} */
    let port;
    try {
      port = this.port = this.makeWorker({ generation: this.generation, shared: this.shared });
    } catch (problem) {
      this.fail(
        sandboxed() ? 'sandbox' : 'worker',
        fill(_('This browser did not let the page start a worker ({message}).'), /** @type {any} */ (problem)),
      );
      return;
    }
    port.listen(
      (data) => { if (port === this.port) this.receive(data); },
      (problem) => { if (port === this.port) this.broken(problem); },
    );
    this.postOpen();
    this.postTake();
    /** @param {boolean} failed */
    const late = (failed) => () => { if (port === this.port && !this.heard) this.late(failed); };
    afterTurns(this.patience, late(false));
    afterTurns(this.patience * LATE, late(true));
  }

  /** Let go of the worker that we have. */
  leave() {
    const { port } = this;
    this.port = null;
    this.guard?.abort();
    try { port?.post({ type: 'close', client: this.client }); } catch { /* it is gone */ }
    port?.end?.();
  }

  /** @param {string} what @param {string} message */
  fail(what, message) {
    this.isLive = this.opening = false;
    this.inFlight = 0;
    this.on.failed({ what, message });
    this.endTaking({ message });
  }

  /** The worker's script has not come yet. Should it come later after all, the page becomes live all the same.
   * @param {boolean} failed */
  late(failed) {
    const waited = Math.round(this.patience * (failed ? LATE : 1) / 1000);
    const words = fill(_('has not arrived for {n} seconds'), { n: waited });
    const message = { what: 'network', message: fill(_('The script that runs Python {words}.'), { words }) };
    if (failed) {
      this.on.failed(message);
      return;
    }
    this.on.problem(message);
    this.ask();
  }

  /** Ask the server why nothing has come: the word that a shared script failed is lost where two pages asked for it at
   * once. */
  async ask() {
    const { port } = this;
    if (!this.url) return;
    const { what, words } = await whyNot(this.url);
    if (port !== this.port || this.heard || what === 'network') return; // nothing comes, as was said
    if (what !== 'damaged') {
      this.spoiled = true;
      this.leave();
      this.fail(what, fill(_('The script that runs Python {words}.'), { words }));
    } else if (port?.shared) { // the script comes well: the shared worker is deaf
      this.generation += 1;
      this.shared = false;
      this.start();
    }
  }

  /** The worker could not start. A shared one may be forbidden where one of our own is not (blocked cookies, for
   * one). @param {string} problem */
  async broken(problem) {
    const { port } = this;
    if (this.heard) { this.lost(); return; }
    this.generation += 1; // some browsers keep what could not start under its name
    if (port?.shared) {
      this.shared = false;
      this.start();
      return;
    }
    const { what, words } = this.url ? await whyNot(this.url) : { what: 'worker', words: _('could not start') };
    if (port !== this.port) return;
    this.spoiled = true;
    this.leave(); // nobody is there: a restart makes another
    const said = problem ? `${words} (${problem})` : words;
    this.fail(what, fill(_('The script that runs Python {words}.'), { words: said }));
  }

  /** @param {any} message as build/web/worker.js lists them */
  receive(message) {
    if (message.client && message.client !== this.client) return;
    this.heard = true;
    this.silent = 0;
    this.calm();
    switch (message.type) {
      case 'hello':
        return this.watchOver(message.lock);
      case 'busy':
        this.working = message.busy;
        return this.listen();
      case 'progress':
        return this.on.progress(message);
      case 'open':
        this.holds = message.holds ?? null;
        this.mirror.adopt(message.models);
        this.isLive = this.was = true;
        this.opening = false;
        this.inFlight = 0;
        this.waiting = { ...this.sent, ...this.waiting, ...this.values(), ...this.owed };
        this.sent = {};
        this.owed = {};
        this.on.live(message);
        this.on.holds?.(this.holds);
        this.on.busy(Object.keys(this.waiting).length > 0);
        return this.flush();
      case 'patch':
        return this.mirror.apply(message.events);
      case 'idle':
        this.inFlight = Math.max(0, this.inFlight - 1);
        this.sent = {};
        if (this.leaving && !this.inFlight && !Object.keys(this.waiting).length) {
          this.isLive = false; // what is asked for from now on, the next worker gets
          this.on.busy(false);
          return this.postLeave();
        }
        this.on.busy(this.inFlight > 0 || Object.keys(this.waiting).length > 0);
        return this.flush();
      case 'wait': // Python is fetching something that it needs for this
        return this.on.wait(message.message);
      case 'model': // how far a further model has come; not one that is not wished for any more
        if (!this.taking || message.request !== this.taking.request) return undefined;
        this.taking.reading = message.state === 'reading';
        if (!['fetching', 'reading'].includes(message.state)) this.taking = null;
        this.on.model?.(message);
        return this.listen();
      case 'holds':
        this.holds = message.model;
        return this.on.holds?.(message.model);
      case 'leaving': // a page of this visit gives a model's memory back: another worker follows, and nothing is lost
        this.port?.post({ type: 'left', client: this.client });
        this.meant = true;
        return this.ending();
      case 'error':
        this.inFlight = 0;
        if (message.what) this.owed = this.sent; // what it lacked may be had at the next try
        this.sent = {};
        this.opening = false;
        this.on.problem(message);
        return this.flush();
      case 'failed':
        return this.fail(message.what, message.message);
      case 'restarted': // Python was started anew: bring this page's document back with what the reader had
        this.isLive = false;
        return this.open();
    }
  }

  open() {
    this.opening = true;
    this.postOpen();
    this.listen();
  }

  postOpen() {
    const { client, name, page } = this;
    // one that was live already shall see nothing but what it has
    const values = this.was ? { ...this.sent, ...this.waiting, ...this.values() } : undefined;
    this.port?.post({ type: 'open', client, name, page, shows: this.shows(), values });
  }

  /** Have the worker take a further model: one of the site's, or files of the reader's.
   * @param {string} name @param {File[]} [files] */
  take(name, files) {
    this.restarts = 0;
    this.requests += 1;
    this.taking = { name, request: this.requests, ...(files ? { files } : {}) };
    if (this.gone || !this.port) this.start(); else this.postTake();
  }

  postTake() {
    if (!this.taking) return;
    const { name, request, files } = this.taking;
    this.port?.post({ type: 'model', client: this.client, name, request, ...(files ? { files } : {}) });
  }

  /** Not that model after all. */
  cancel() {
    if (!this.taking) return;
    this.port?.post({ type: 'cancel', client: this.client, request: this.taking.request });
    this.endTaking({ state: 'cancelled' });
  }

  /** The model that was asked for does not come. @param {Partial<ModelSaid>} how */
  endTaking(how) {
    const { taking } = this;
    this.taking = null;
    if (taking) this.on.model?.({ name: taking.name, state: 'failed', ...how });
  }

  /** Let go of a further model: the worker ends, which alone gives its memory back, and another is started with what
   * the reader has then. What has been asked is answered first, so that what Python makes of it is not lost. */
  letGo() {
    this.cancel();
    this.restarts = 0;
    if (this.isLive && !this.isIdle) this.leaving = true; else this.postLeave();
  }

  postLeave() {
    this.leaving = false;
    this.port?.post({ type: 'leave', client: this.client });
    this.ending();
  }

  /** The worker ends soon: what is asked for from now on, the next one gets. */
  ending() {
    this.isLive = false;
    this.opening = true; // so that silence is heard where there is no lock
    this.inFlight = 0;
    this.listen();
  }

  get isIdle() { return this.isLive && !this.inFlight && !Object.keys(this.waiting).length; }

  /** Ask Python to take these values. Before it is live they wait, and are applied once it is.
   * byReader: whether the reader did this, and not the page that goes on with something
   * @param {Values} values */
  request(values, byReader = true) {
    if (byReader) Object.assign(this, { restarts: 0, owed: {} });
    Object.assign(this.waiting, values);
    this.on.busy(true);
    if (this.gone) this.start();
    this.flush();
  }

  flush() {
    if (!this.isLive || this.inFlight || !Object.keys(this.waiting).length) return;
    const values = this.sent = this.waiting;
    this.waiting = {};
    this.inFlight = 1;
    this.seq += 1;
    this.port?.post({
      type: 'patch', client: this.client, seq: this.seq,
      events: [{ model: this.mirror.id('link'), attr: 'request', new: { ...values, '#': this.seq } }],
    });
    this.listen();
  }

  // ---- is anybody there?

  /** The worker holds a lock as long as it lives; when the browser gives it to us, the worker is no more.
   * @param {string} lock */
  watchOver(lock) {
    const { port } = this;
    this.guard?.abort();
    this.guard = new AbortController();
    globalThis.navigator?.locks?.request(lock, { signal: this.guard.signal }, () => {
      if (port === this.port) this.lost();
    }).catch(() => {});
  }

  get isOwed() {
    return Boolean(this.port) && this.heard && (this.opening || this.inFlight > 0 || Boolean(this.taking?.reading));
  }

  /** Count the silence while an answer is owed. */
  listen() {
    this.silent = 0;
    if (this.timer || !this.isOwed) return;
    this.timer = setInterval(() => {
      if (!this.isOwed) {
        clearInterval(this.timer);
        this.timer = 0;
        return;
      }
      this.silent += 1;
      if (!this.working && this.silent >= DEAD) {
        this.generation += 1; // it may be there still, deaf
        this.lost();
      } else if (this.working && this.silent === LONG) this.on.slow(this.patient = true);
    }, TICK);
  }

  /** Something was heard: no more words about a long wait. */
  calm() {
    if (this.patient) this.on.slow(this.patient = false);
  }

  /** Let go, so that another may be started: what the reader had is asked for again when that one is open. */
  release() {
    this.leave();
    this.isLive = this.opening = false;
    this.waiting = { ...this.sent, ...this.waiting };
    this.sent = {};
    this.inFlight = 0;
  }

  /** The browser puts the page aside whole, for Back. A word from a shared worker would throw it out of there: let go
   * of it. */
  rest() {
    if (!this.port?.shared) return;
    this.release();
    this.endTaking({ message: _('The page was left while the model came.'), what: 'lost' });
    this.resting = true;
  }

  /** The page is shown again. */
  wake() {
    if (!this.resting) return;
    this.resting = false;
    this.start();
  }

  /** The worker is no more: start another, once, when somebody looks. */
  lost() {
    const { meant } = this;
    this.release();
    if (!meant) {
      const message = _('Python was stopped from outside while the model came: this device may be short of memory.');
      this.endTaking({ message, what: 'lost' });
      if (this.restarts) {
        this.restarts = 0;
        this.fail('gone', _('Python was stopped from outside, and again after it had been restarted.'));
        return;
      }
      this.restarts = 1;
    }
    this.gone = true;
    this.holds = null;
    const begin = () => { if (this.gone) this.start(); };
    this.on.progress({ step: _('Starting again'), loaded: 0, total: 0 });
    if (globalThis.document?.hidden) document.addEventListener('visibilitychange', begin, { once: true });
    else begin();
  }

  /** The reader wants to try again. */
  restart() {
    this.restarts = 0;
    this.on.progress({ step: _('Starting again'), loaded: 0, total: 0 });
    if (this.port && this.heard && !this.patient) {
      this.opening = true;
      this.port.post({ type: 'restart', client: this.client, name: this.name });
      this.listen();
      return;
    }
    if (this.port) this.generation += 1; // it is there, but it does not come
    this.patient = false;
    this.shared = true;
    this.endTaking({ message: _('Python was started again while the model came.'), what: 'lost' });
    if (!this.spoiled || !this.url) { this.start(); return; }
    this.spoiled = false; // what is kept of the worker's script may be what did not run
    afresh(this.url).catch(() => null).finally(() => this.start());
  }

  close() {
    this.port?.post({ type: 'close', client: this.client });
  }
}

/** A port to the site's one Python; its own where a browser has or allows no SharedWorker. Another generation, another
 * worker.
 * @param {string | URL} url @param {Which} which
 * @returns {Port} */
export function openWorker(url, { generation = 1, shared = true } = {}) {
  const type = 'module';
  if (shared && typeof SharedWorker === 'function') {
    try {
      const worker = new SharedWorker(url, {
        type, name: `transformer-explainer${generation > 1 ? ` ${generation}` : ''}`,
      });
      return {
        shared: true,
        post: (m) => worker.port.postMessage(m),
        listen(onmessage, onerror) {
          worker.onerror = (event) => onerror(/** @type {ErrorEvent} */ (event).message ?? '');
          worker.port.onmessage = ({ data }) => onmessage(data);
        },
        end: () => worker.port.close(),
      };
    } catch { /* forbidden here (cookies are blocked, a sandbox): one of our own may not be */ }
  }
  if (typeof Worker !== 'function') throw new Error('there are no web workers here');
  return portOf(new Worker(url, { type }));
}

/** A worker that serves one page alone, as a port.
 * @param {Worker} worker
 * @returns {Port} */
export function portOf(worker) {
  return {
    post: (m) => worker.postMessage(m),
    listen(onmessage, onerror) {
      worker.onerror = (event) => onerror(event.message ?? '');
      worker.onmessage = ({ data }) => onmessage(data);
    },
    end: () => worker.terminate(),
  };
}
