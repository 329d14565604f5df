// Getting a live Python: resume it from the site's memory snapshot, or, if anything about that fails, boot it from
// compiled files. Everything is fetched, unpacked and compiled in parallel as it streams in, and checked against the
// manifest.
import { loadPyodide } from 'pyodide-loader';
import { hex, integrity, subtle } from './sums.js';
import { afterTurns } from './turns.js';
import { ZSTDDecoder } from 'zstddec/stream';

/** @typedef {any} Pyodide a running one, or its Module */
/** @typedef {{path: string, bytes: Uint8Array<ArrayBuffer>}} Packed a file of a pack */
/** @typedef {(text: string) => void} Step is told what is being done */

/** A file that could not be had as the manifest promises it; `message` is for readers, `what` a cause (causes.js). */
export class AssetError extends Error {
  /** @param {string} message */
  constructor(message, what = 'damaged') { super(message); this.what = what; }
}

/** @param {unknown} problem */
const reasonOf = (problem) => /** @type {Error | undefined} */ (problem)?.message ?? problem;

/** How a file of the manifest is had: over the network. A single-file export answers from memory instead.
 * @param {URL} base
 * @returns {Asset} */
export function fetchAsset(base) {
  return async (name, entry, { fresh = false, signal } = {}) => {
    /** @type {RequestInit} */
    const options = { cache: fresh ? 'reload' : 'default', signal };
    if (!subtle()) options.integrity = [entry.sha256, entry.raw_sha256].map(integrity).join(' ');
    const response = await fetch(new URL(entry.url, base), options);
    if (!response.ok) throw new AssetError(`“${name}” could not be loaded (HTTP ${response.status}).`, 'server');
    return response.body ?? new Uint8Array(await response.arrayBuffer());
  };
}

/** Unpacks Zstandard while it streams in, like DecompressionStream (which knows gzip only). */
function zstandard() {
  const decoder = new ZSTDDecoder();
  /** @type {Uint8Array[]} */
  const waiting = [];
  let idle = 0; // how often nothing has come out since the last chunk went in: on damaged data the decoder stands still
  /** @type {() => IteratorResult<Uint8Array>} */
  const next = () => { idle = 0; return { value: waiting[0], done: !waiting.shift() }; };
  // asks only while a chunk is waiting
  const unpacked = decoder.decodeStreaming({ [Symbol.iterator]: () => ({ next }) });
  /** @param {Uint8Array | undefined} chunk @param {TransformStreamDefaultController} controller */
  const pass = (chunk, controller) => {
    if (chunk?.length) { idle = 0; controller.enqueue(chunk); }
    else if ((idle += 1) > 2) throw new Error('its content cannot be unpacked');
  };
  return new TransformStream({
    start: () => decoder.init(),
    transform(chunk, controller) {
      waiting.push(chunk);
      while (waiting.length) pass(unpacked.next().value, controller);
    },
    flush(controller) { for (const chunk of unpacked) pass(chunk, controller); },
  });
}

/** Whether this is the beginning of something packed; else a server has unpacked it on the way (Content-Encoding:
 * zstd). @param {Uint8Array} chunk */
const isPacked = (chunk) => [0x28, 0xb5, 0x2f, 0xfd].every((byte, i) => i >= chunk.length || chunk[i] === byte);

/** @typedef {(data: Uint8Array<ArrayBuffer>, at: number) => void} OnChunk hears what is there so far */

/** The files of the manifest: each is fetched once, unpacked while it streams, and checked. */
export class Files {
  /**
   * manifest: as build/runtime.py writes it; asset(name, entry, {fresh, signal}) => stream or bytes; onBytes(n): n more
   * bytes have come; patience: ms without a byte after which a connection counts as stalled
   * @param {Manifest} manifest @param {Asset} asset @param {(n: number) => void} onBytes
   */
  constructor(manifest, asset, onBytes, patience = Infinity) {
    this.manifest = manifest;
    this.asset = asset;
    this.onBytes = onBytes;
    this.patience = patience;
    /** @type {Map<string, Promise<any>>} */
    this.made = new Map();
    this.bytes = 0;
    this.over = new AbortController();
  }

  /** The result of `make` for a file, made once. What could not be had stays so: the ordinary boot does not wait for it
   * again.
   * @template T @param {string} name @param {() => Promise<T>} make
   * @returns {Promise<T>} */
  once(name, make) {
    const before = this.made.get(name);
    if (before) return before;
    const promise = make();
    this.made.set(name, promise);
    promise.catch((problem) => { if (!(problem instanceof AssetError)) this.made.delete(name); });
    return promise;
  }

  /** This attempt has failed: fetch nothing more, and report nothing more (a late byte must not look like a new
   * start). */
  stop() {
    this.onBytes = () => {};
    this.over.abort();
  }

  /** What `promise` brings of a file, unless nothing comes for too long: then `abort` is called. Raises AssetError.
   * @template T @param {string} name @param {Promise<T>} promise @param {() => void} abort
   * @returns {Promise<T>} */
  patiently(name, promise, abort) {
    return new Promise((resolve, reject) => {
      const stalled = () => {
        abort();
        reject(new AssetError(
          `“${name}” stopped coming: no byte arrived for ${Math.round(this.patience / 1000)} seconds.`, 'network'));
      };
      const stop = afterTurns(this.patience, stalled);
      promise.finally(stop).then(resolve, (problem) => reject(
        problem instanceof AssetError ? problem
          : new AssetError(`“${name}” could not be loaded (${reasonOf(problem)}).`, 'network'),
      ));
    });
  }

  /** Open a file: {stream: unpacked bytes, checked: promise that rejects if the bytes were not the manifest's}.
   * @param {string} name */
  async open(name, fresh = false) {
    const entry = this.manifest.files[name];
    const giveUp = new AbortController();
    this.over.signal.addEventListener('abort', () => giveUp.abort());
    /** @template T @param {Promise<T>} promise */
    const next = (promise) => this.patiently(name, promise, () => giveUp.abort());
    const source = await next(this.asset(name, entry, { fresh, signal: giveUp.signal }));
    const stream = source instanceof ReadableStream ? source
      : /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (new Response(source).body);
    const reader = stream.getReader();
    /** @type {ReadableStreamReadResult<Uint8Array<ArrayBuffer>> | null} */
    let first = await next(reader.read());
    while (!first.done && !first.value.byteLength) first = await next(reader.read());
    const packed = first.done || isPacked(first.value);
    const [size, sha256] = packed ? [entry.bytes, entry.sha256] : [entry.raw, entry.raw_sha256];
    const whole = new Uint8Array(size);
    let at = 0;
    /** @type {{resolve: () => void, reject: (problem: unknown) => void}} */
    let settle;
    const checked = new Promise((/** @type {(nothing?: undefined) => void} */ resolve, reject) => {
      settle = { resolve, reject };
    });
    checked.catch(() => {}); // whoever uses the file awaits it
    /** @param {string} why */
    const bad = (why) => new AssetError(`“${name}” is damaged: ${why}.`);
    /** @param {Uint8Array} chunk */
    const take = (chunk) => {
      if (at + chunk.byteLength > whole.length) throw bad('it is longer than it should be');
      whole.set(chunk, at);
      at += chunk.byteLength;
      this.bytes += chunk.byteLength;
      // in the measure of what was promised
      this.onBytes(packed ? chunk.byteLength : chunk.byteLength * entry.bytes / entry.raw);
    };
    const finish = async () => {
      if (at !== whole.length) throw bad('it is shorter than it should be');
      const sums = subtle();
      if (sums && hex(await sums.digest('SHA-256', whole)) !== sha256) throw bad('its checksum is wrong');
    };
    const raw = new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = first ?? await next(reader.read());
          first = null;
          if (!done) { take(value); controller.enqueue(value); return; }
          finish().then(settle.resolve, settle.reject);
          controller.close();
        } catch (problem) {
          settle.reject(problem);
          controller.error(problem);
        }
      },
    }, { highWaterMark: 4 });
    return { entry, checked, stream: packed ? raw.pipeThrough(zstandard()) : raw };
  }

  /** The unpacked, checked content of a file; fetched anew once if it did not come well (a stale cache, a lost
   * connection). @param {string} name @param {OnChunk} onChunk */
  async content(name, onChunk = () => {}, again = true) {
    /** @param {boolean} fresh */
    const attempt = async (fresh) => {
      const { entry, checked, stream } = await this.open(name, fresh);
      const data = new Uint8Array(entry.raw);
      let at = 0;
      const reader = stream.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          if (at + value.byteLength > data.length) {
            throw new AssetError(`“${name}” is damaged: there is more in it than there should be.`);
          }
          data.set(value, at);
          at += value.byteLength;
          onChunk(data, at);
        }
      } catch (problem) {
        throw problem instanceof AssetError ? problem
          : new AssetError(`“${name}” could not be read (${reasonOf(problem)}).`);
      }
      await checked;
      if (at !== data.length) throw new AssetError(`“${name}” is damaged: it ends too soon.`);
      return data;
    };
    try {
      return await attempt(!again);
    } catch (problem) {
      if (!again || !(problem instanceof AssetError) || this.over.signal.aborted) throw problem;
      return attempt(true);
    }
  }

  /** @param {string} name */
  bytesOf(name) { return this.once(name, () => this.content(name)); }

  /** Pyodide's own script, as the function that makes a Module. */
  factory() {
    return this.once('pyodide.asm.mjs', async () => {
      if (globalThis.explainerPyodideModule) return globalThis.explainerPyodideModule; // part of this very script
      const code = await this.content('pyodide.asm.mjs');
      const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
      try { return (await import(/* @vite-ignore */ url)).default; } finally { URL.revokeObjectURL(url); }
    });
  }

  /** Python itself, compiled while it streams in. */
  wasm() {
    return this.once('pyodide.asm.wasm', async () => {
      try {
        const { checked, stream } = await this.open('pyodide.asm.wasm');
        const module = await WebAssembly.compileStreaming(
          new Response(stream, { headers: { 'Content-Type': 'application/wasm' } }));
        await checked;
        return module;
      } catch (problem) {
        // no streaming here, or what came was damaged: once more, in one piece
        if (!(problem instanceof AssetError) && !/stream/i.test(String(reasonOf(problem)))) throw problem;
        return WebAssembly.compile(await this.content('pyodide.asm.wasm', undefined, false));
      }
    });
  }

  /** numpy's libraries {path: compiled module, bytes}, each compiled as soon as it is here; other files of the pack
   * beside. */
  libraries() {
    return this.once('libraries', async () => {
      /** @type {Promise<Packed & {module: WebAssembly.Module}>[]} */
      const compiling = [];
      /** @type {Packed[]} */
      const others = [];
      /** @type {{files: [string, number][] | null, start: number, done: number, data?: Uint8Array}} */
      const list = { files: null, start: 0, done: 0 };
      /** @type {OnChunk} */
      const onChunk = (data, at) => {
        if (!list.files) {
          if (at < 8 || at < 8 + new DataView(data.buffer).getUint32(4, true)) return;
          [list.files, list.start] = listing(data);
        }
        const files = list.files ?? [];
        while (list.done < files.length) {
          const [path, size] = files[list.done];
          if (at < list.start + size) return;
          const bytes = data.subarray(list.start, list.start + size);
          if (path.endsWith('.so')) {
            const promise = WebAssembly.compile(bytes).then((module) => ({ path, bytes, module }));
            promise.catch(() => {});
            compiling.push(promise);
          } else others.push({ path, bytes });
          list.start += size;
          list.done += 1;
        }
      };
      await this.content('libraries', (data, at) => {
        if (list.data && list.data !== data) {
          Object.assign(list, { files: null, start: 0, done: 0 });
          compiling.length = others.length = 0;
        }
        list.data = data;
        onChunk(data, at);
      });
      return { libraries: await Promise.all(compiling), others };
    });
  }
}

/** The list at the head of a container (build/packs.py), and where what it lists begins.
 * @param {Uint8Array} data
 * @returns {[any, number]} */
function listing(data) {
  const start = 8 + new DataView(data.buffer, data.byteOffset).getUint32(4, true);
  return [JSON.parse(new TextDecoder().decode(data.subarray(8, start))), start];
}

/** The files of a pack. @param {Uint8Array<ArrayBuffer>} data @returns {Packed[]} */
export function unpack(data) {
  let [files, at] = listing(data);
  return files.map((/** @type {[string, number]} */ [path, size]) => ({ path, bytes: data.subarray(at, at += size) }));
}

/** A sparse image of a snapshot, as the patched Pyodide takes it: its head, and its memory
 * {size, write(heap, from, to)}. @param {Uint8Array} data */
function snapshotOf(data) {
  const [[size, runs], at] = listing(data);
  // where the memory begins in the snapshot
  const before = new DataView(data.buffer, data.byteOffset + at).getUint32(4, true);
  /** @param {Uint8Array} heap @param {number} from @param {number} to */
  const write = (heap, from, to) => {
    let source = at;
    for (const [start, length] of runs) {
      const [a, b] = [Math.max(start - before, from), Math.min(start - before + length, to)];
      if (a < b) heap.set(data.subarray(source + a + before - start, source + b + before - start), a);
      source += length;
    }
  };
  return { _loadSnapshot: data.slice(at, at + before), _image: { size: size - before, write } };
}

/** @param {string} path */
const parent = (path) => path.slice(0, path.lastIndexOf('/'));

/** @param {Pyodide} FS @param {string} root @param {Packed[]} files */
function writeFiles(FS, root, files) {
  const made = new Set();
  for (const { path, bytes } of files) {
    const full = `${root}/${path}`;
    if (!made.has(parent(full))) { FS.mkdirTree(parent(full)); made.add(parent(full)); }
    FS.writeFile(full, bytes.slice(), { canOwn: true });
  }
}

/** What both ways need of Pyodide. `special`: the rest of its configuration.
 * @param {Files} files @param {WebAssembly.Module} module @param {unknown} factory @param {object} special
 * @returns {Promise<Pyodide>} */
async function load(files, module, factory, special) {
  /** @type {((problem: unknown) => void) | undefined} */
  let failed;
  const failure = new Promise((_, reject) => { failed = reject; });
  const { manifest } = files;
  const loading = loadPyodide({
    indexURL: 'https://runtime.invalid/', // nothing is ever fetched from there: all files are handed in
    createPyodideModule: factory,
    lockFileContents: { ...manifest.lock, packages: {} },
    _wasmModule: module,
    _wasmFailed: failed,
    env: { HOME: '/home/pyodide', PYTHONHASHSEED: '0' },
    stdout: (/** @type {string} */ text) => console.log(text),
    stderr: (/** @type {string} */ text) => console.warn(text),
    ...special,
  });
  loading.catch(() => {});
  return Promise.race([loading, failure]);
}

/** Resume: from nothing to a Python that has imported what all pages share.
 * @param {Files} files @param {Step} step */
export async function resume(files, step) {
  step('Fetching');
  const [factory, module, image, { libraries, others }] = await Promise.all([
    files.factory(), files.wasm(), files.bytesOf('snapshot'), files.libraries(),
  ]);
  step('Resuming Python');
  const { site } = files.manifest;
  const byName = new Map(libraries.map(({ path, module: m }) => [`${site}/${path}`, m]));
  const py = await load(files, module, factory, {
    ...snapshotOf(image),
    _snapshotDeserializer: () => ({}),
    _libraryModule: (/** @type {string} */ name) => {
      const found = byName.get(name);
      if (!found) throw new AssetError(`The snapshot asks for a library that is not here (${name}).`);
      return found;
    },
    _installStdlib: (/** @type {Pyodide} */ Module) => { Module.FS.mkdirTree(site); Module.API.sitePackages = site; },
  });
  files.made.delete('snapshot'); // tens of megabytes; a restart fetches it from the browser's cache
  writeFiles(py.FS, site, others);
  return py;
}

// files of an ordinary boot that are no mere packs
const APART = ['pyodide.asm.mjs', 'pyodide.asm.wasm', 'stdlib', 'libraries'];

/** The ordinary boot: Python starts from nothing and imports everything from compiled files.
 * @param {Files} files @param {Step} step */
export async function boot(files, step) {
  step('Fetching');
  const [factory, module, stdlib, { libraries, others }, ...packs] = await Promise.all([
    files.factory(), files.wasm(), files.bytesOf('stdlib'), files.libraries(),
    ...files.manifest.boot.filter((name) => !APART.includes(name)).map((name) => files.bytesOf(name)),
  ]);
  step('Starting Python');
  const { site } = files.manifest;
  const py = await load(files, module, factory, {
    _installStdlib: (/** @type {Pyodide} */ Module) => {
      Module.FS.mkdirTree(site);
      Module.FS.mkdirTree(`${parent(site)}/lib-dynload`);
      Module.FS.writeFile('/lib/python314.zip', stdlib);
      Module.API.sitePackages = site;
    },
  });
  step('Importing');
  writeFiles(py.FS, site, [...others, ...libraries, ...packs.flatMap(unpack)]);
  // what was known about directories before they were filled
  py.runPython('import sys; sys.path_importer_cache.clear()');
  return py;
}

/** Give Python a page's code, or what it has left behind when it was resumed.
 * @param {Pyodide} py @param {Files} files @param {string[]} names */
export async function addFiles(py, files, names) {
  for (const name of names) {
    const data = await files.bytesOf(name);
    if (name === 'stdlib') py.FS.writeFile('/lib/python314.zip', data.slice());
    else writeFiles(py.FS, files.manifest.site, unpack(data));
    files.made.delete(name); // it is in Python's file system now
  }
  py.runPython('import sys; sys.path_importer_cache.clear()');
}
