// One connection from a page to Python: through the SharedWorker that all pages and embeds of the site share, or through a
// worker of our own where there is none. Keeps at most one request in flight; while it is, newer values replace older ones.

export class Connection {
  /**
   * mirror: Mirror; name: the document to open; values: () => everything the reader has set, sent on (re)opening;
   * patience: ms within which the worker must say its first word
   * on: {progress, live, failed, problem, busy} callbacks
   */
  constructor({ mirror, name, makeWorker, values, patience = Infinity, on }) {
    Object.assign(this, { mirror, name, makeWorker, values, patience, on });
    this.client = crypto.randomUUID?.() ?? `c${Math.random().toString(36).slice(2)}${performance.now()}`;
    this.waiting = {}; // values not yet sent
    this.inFlight = 0;
    this.seq = 0;
    this.isLive = false;
    this.tries = 0;
  }

  start() {
    this.tries += 1;
    this.heard = false; // whether the worker has said anything
    let port;
    this.port?.end?.();
    try {
      port = this.port = this.makeWorker(this.tries);
    } catch (problem) {
      this.on.failed({ what: 'worker', message: `This browser did not let the page start a worker (${problem.message}).` });
      return;
    }
    port.onmessage = (event) => { if (port === this.port) this.receive(event.data); };
    port.post({ type: 'open', client: this.client, name: this.name });
    if (Number.isFinite(this.patience)) setTimeout(() => { if (port === this.port && !this.heard) this.late(); }, this.patience);
  }

  /** The worker's script has not come yet. Should it come later after all, the page becomes live all the same. */
  late() {
    this.on.failed({ what: 'worker', message: `The script that runs Python has not arrived for ${Math.round(this.patience / 1000)} seconds.` });
  }

  receive(message) {
    if (message.client && message.client !== this.client) return;
    this.heard = true;
    switch (message.type) {
      case 'progress':
        return this.on.progress(message);
      case 'open':
        this.mirror.adopt(message.models);
        this.isLive = true;
        this.inFlight = 0;
        this.waiting = { ...this.values(), ...this.waiting };
        this.on.live(message);
        this.on.busy(Object.keys(this.waiting).length > 0);
        return this.flush();
      case 'patch':
        return this.mirror.apply(message.events);
      case 'idle':
        this.inFlight = Math.max(0, this.inFlight - 1);
        this.on.busy(this.inFlight > 0 || Object.keys(this.waiting).length > 0);
        return this.flush();
      case 'wait': // Python is fetching something that it needs for this
        return this.on.wait(message.message);
      case 'error':
        this.inFlight = 0;
        this.on.problem(message);
        return this.flush();
      case 'failed':
        this.isLive = false;
        if (message.what === 'worker') this.port = null; // nobody is there: a restart makes another
        return this.on.failed(message);
      case 'restarted': // Python was started anew: bring this page's document back with what the reader had
        this.isLive = false;
        return this.port.post({ type: 'open', client: this.client, name: this.name });
    }
  }

  get isIdle() { return this.isLive && !this.inFlight && !Object.keys(this.waiting).length; }

  /** Ask Python to take these values. Before it is live they wait, and are applied once it is. */
  request(values) {
    Object.assign(this.waiting, values);
    this.on.busy(true);
    this.flush();
  }

  flush() {
    if (!this.isLive || this.inFlight || !Object.keys(this.waiting).length) return;
    const values = this.waiting;
    this.waiting = {};
    this.inFlight = 1;
    this.seq += 1;
    this.port.post({
      type: 'patch', client: this.client, seq: this.seq,
      events: [{ model: this.mirror.id('link'), attr: 'request', new: { ...values, '#': this.seq } }],
    });
  }

  restart() {
    this.on.progress({ step: 'Starting again', loaded: 0, total: 0 });
    if (this.port && this.heard) this.port.post({ type: 'restart', client: this.client, name: this.name });
    else this.start();
  }

  close() {
    this.port?.post({ type: 'close', client: this.client });
  }
}

/** A port to the site's one Python; its own where a browser has no SharedWorker. `again`: any text; another text, another worker. */
export function openWorker(url, { again = '' } = {}) {
  const type = 'module';
  if (typeof SharedWorker === 'function') {
    const worker = new SharedWorker(url, { type, name: `transformer-explainer${again}` });
    const port = { post: (m) => worker.port.postMessage(m), set onmessage(f) { worker.port.onmessage = f; } };
    worker.onerror = (e) => worker.port.onmessage?.({ data: { type: 'failed', what: 'worker', message: `The worker could not start${e.message ? `: ${e.message}` : ''}.` } });
    return port;
  }
  if (typeof Worker !== 'function') throw new Error('there are no web workers here');
  const worker = new Worker(url, { type });
  worker.onerror = (e) => worker.onmessage?.({ data: { type: 'failed', what: 'worker', message: `The worker could not start${e.message ? `: ${e.message}` : ''}.` } });
  return { post: (m) => worker.postMessage(m), set onmessage(f) { worker.onmessage = f; }, end: () => worker.terminate() };
}
