// Knows how memory is laid out in a stopped Pyodide: every Python object is a chunk of Emscripten's dlmalloc (this
// Python is built without a small-object allocator of its own). Used before a snapshot is written, to fill with zeros
// what nobody uses: it should not be shipped.

/** Every chunk of the heap: calls each(address of its memory, bytes, in use?). Returns the number of chunks. */
export function chunks(Module, each) {
  const heap = Module.HEAPU32;
  let at = (Module.___heap_base + 7) & ~7;
  const end = Module.HEAPU8.length;
  let count = 0;
  if (!(heap[(at + 4) >> 2] & 1)) throw new Error('the heap does not begin where it should');
  while (at + 8 < end) {
    const head = heap[(at + 4) >> 2];
    const size = head & ~7;
    if (size < 16 || at + size > end) break;
    each(at + 8, size - 4, Boolean(head & 2));
    at += size;
    count += 1;
  }
  return { count, end: at };
}

/** Fill free memory with zeros. Returns what was found, in bytes. */
export function zeroFree(Module) {
  const bytes = Module.HEAPU8;
  const found = { heap: 0, used: 0, free: 0 };
  const { count, end } = chunks(Module, (at, size, used) => {
    found.heap += size;
    if (used) { found.used += size; return; }
    found.free += size;
    // the first words of a free chunk link it to others; the last four bytes tell its size
    if (size > 32) bytes.fill(0, at + 24, at + size - 4);
  });
  return { ...found, chunks: count, beyond: bytes.length - end };
}

/**
 * The loader keeps each library's file in memory after it has made code of it. Nobody reads it again: fill it with
 * zeros.
 * files: [Uint8Array], the content of the libraries' files
 */
export function zeroLibraryFiles(Module, files) {
  const bytes = Module.HEAPU8;
  let total = 0;
  chunks(Module, (at, size, used) => {
    if (!used || size < 4096) return;
    const file = files.find((f) => (
      f.length <= size && size - f.length < 64 && bytes[at] === f[0] && same(bytes, at, f)));
    if (!file) return;
    bytes.fill(0, at, at + file.length);
    total += file.length;
  });
  return total;
}

/**
 * Idle streams keep buffers of 128 kB in which lies what was there before them: fill these with zeros.
 * streams: [address of the stream object]; its structure points to its buffer
 */
export function zeroStreamBuffers(Module, streams) {
  const large = new Map(); // address -> bytes, of every large piece of memory in use
  chunks(Module, (at, size, used) => { if (used && size >= 8192) large.set(at, size); });
  let total = 0;
  for (const stream of streams) {
    for (const pointer of Module.HEAPU32.subarray(stream >> 2, (stream >> 2) + 32)) {
      if (!large.has(pointer)) continue;
      Module.HEAPU8.fill(0, pointer, pointer + large.get(pointer));
      total += large.get(pointer);
    }
  }
  return total;
}

const same = (bytes, at, file) => Buffer.compare(
  Buffer.from(bytes.buffer, at, file.length), Buffer.from(file.buffer, file.byteOffset, file.length)) === 0;
