"""Patch Pyodide 314.0.7 so that a memory snapshot can carry loaded extension modules, and so that we hand it its files.

Upstream's private `_makeSnapshot` / `_loadSnapshot` saves the wasm heap and the table of JS references, but forgets the
dynamic libraries ("Cannot snapshot package load state yet", pyodide#6418): a restored interpreter would call into slots
of the function table that are empty. The edits to pyodide.asm.mjs record where each library went (memory base, table
base, dlopen handle) and every symbol's slot, and put them back on restore.

The order on restore matters: grow the heap; copy the snapshot in (the libraries' dlopen records must be there);
instantiate each library at its recorded addresses without running relocations or constructors; copy the snapshot in
again, because instantiating writes a library's initial data over its live data.

`_loadSnapshot` is the head of the snapshot only; its memory comes from `_image`: {size, write(heap, from, to)}, which
writes what is not zero into a heap that is. So a browser never holds a second copy of the whole memory.

The edits to pyodide.mjs let the caller pass the compiled wasm and the standard library instead of addresses, so that
one place fetches, checks and unpacks everything, and let it run in a classic worker (a single file opened from a disk
has no other kind).

Every edit must match exactly once: another Pyodide version fails here, by name, and not in a reader's browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VERSION = "314.0.7"


class PatchError(Exception):
    """An edit does not fit the file; says which, and that the version is the likely reason."""


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new`; `why` names the edit in errors."""

    why: str
    old: str
    new: str


ASM = (
    Edit(
        "record, or replay, where a library is placed",
        "var memoryBase=metadata.memorySize?alignMemory(getMemory(metadata.memorySize+memAlign),memAlign):0;"
        "var tableBase=metadata.tableSize?wasmTable.length:0;",
        "var rec=Module.__dsoReplay&&Module.__dsoReplay[libName];"
        "var memoryBase=rec?rec.memoryBase:"
        "metadata.memorySize?alignMemory(getMemory(metadata.memorySize+memAlign),memAlign):0;"
        "var tableBase=rec?rec.tableBase:metadata.tableSize?wasmTable.length:0;"
        "Module.__dsoFresh??=Object.fromEntries(Object.keys(GOT).map(k=>[k,GOT[k].value]));"
        "(Module.__dsoLog??=[]).push({libName,handle,memoryBase,tableBase,"
        "memorySize:metadata.memorySize,global:!!flags.global,nodelete:!!flags.nodelete});",
    ),
    Edit(
        "on replay the function table has already grown",
        "if(metadata.tableSize){wasmTable.grow(metadata.tableSize)}",
        "if(metadata.tableSize&&!rec){wasmTable.grow(metadata.tableSize)}",
    ),
    Edit(
        "on replay the data is already relocated",
        "if(runtimeInitialized){applyRelocs()}else",
        "if(rec){}else if(runtimeInitialized){applyRelocs()}else",
    ),
    Edit(
        "on replay the library is already constructed",
        "if(runtimeInitialized){init()}else{addOnPostCtor(init)}",
        "if(rec){}else if(runtimeInitialized){init()}else{addOnPostCtor(init)}",
    ),
    Edit(
        "what to save about libraries, and how to put it back",
        'Module["loadWebAssemblyModule"]=loadWebAssemblyModule',
        (
            'Module["loadWebAssemblyModule"]=loadWebAssemblyModule;'
            "Module.__dsoState=()=>{const got={},fresh=Module.__dsoFresh||{};"
            "for(const k in GOT)if(fresh[k]!==GOT[k].value)got[k]=GOT[k].value;"
            "return{libs:Module.__dsoLog||[],got,tableLength:wasmTable.length}};"
            "Module.__dsoRestore=(st,bytes)=>{"
            "if(st.tableLength>wasmTable.length)wasmTable.grow(st.tableLength-wasmTable.length);"
            "for(const k in st.got)"
            '{const g=(GOT[k]??=new WebAssembly.Global({value:"i32",mutable:true},-1));g.value=st.got[k]}'
            "getFunctionAddress(()=>{});"
            "const place=ex=>{for(const k in ex){const f=ex[k],v=GOT[k]?.value;"
            'if(typeof f=="function"&&v>0&&v<st.tableLength'
            "&&!wasmTable.get(v)){setWasmTableEntry(v,f);functionsInTableMap.set(f,v)}}};"
            "place(wasmImports);Module.__dsoReplay={};for(const r of st.libs)Module.__dsoReplay[r.libName]=r;"
            "for(const r of st.libs){const ex=loadWebAssemblyModule(bytes(r.libName),"
            "{global:r.global,nodelete:r.nodelete},r.libName,{},r.handle);place(ex);"
            "const d=newDSO(r.libName,r.handle,ex);d.global=r.global;d.refcount=Infinity;"
            "if(r.global)mergeLibSymbols(ex,r.libName)}Module.__dsoReplay=null}"
        ),
    ),
    Edit(
        "save it with the snapshot",
        "return{hiwireKeys:r,immortalKeys:o}",
        "return{dso:Module.__dsoState(),fresh:Module.__fresh.length,hiwireKeys:r,immortalKeys:o}",
    ),
    Edit(
        "keep the data that the wasm itself brings",
        "function receiveInstance(instance,module){wasmExports=instance.exports;",
        "function receiveInstance(instance,module){wasmExports=instance.exports;"
        "if(Module.API.config._makeSnapshot||Module.API.config._loadSnapshot){"
        "const m=new Uint8Array(wasmExports.memory.buffer,0,wasmExports.__heap_base.value);"
        "let e=m.length;while(e&&!m[e-1])e--;Module.__fresh=m.slice(0,e+3&~3)}",
    ),
    Edit(
        "save only what differs from that data",
        "o.subarray(n).set(Module.HEAP8),o}",
        "o.subarray(n).set(Module.HEAP8),Module.__fresh.forEach((b,k)=>{o[n+k]^=b}),o}",
    ),
    Edit(
        "on restore grow the heap, write it, replay the libraries, write their data again",
        "return Module.HEAP8.set(t),l}",
        "const image=API.config._image,fresh=Module.__fresh,before=Module.HEAPU8.length;"
        "if(image.size>before&&!Module.growMemory(image.size))"
        'throw new Error("There is not enough memory to resume");'
        'if(l.fresh!==fresh.length)throw new Error("The snapshot is of another Pyodide");'
        "Module.HEAPU8.fill(0,0,before);image.write(Module.HEAPU8,0,image.size);"
        "const a=new Uint32Array(Module.HEAPU8.buffer,0,l.fresh/4),b=new Uint32Array(fresh.buffer);"
        "for(let k=0;k<b.length;k++)a[k]^=b[k];Module.__fresh=null;"
        "if(l.dso){Module.__dsoRestore(l.dso,API.config._libraryModule);"
        "for(const{memoryBase:m,memorySize:n}of l.dso.libs)image.write(Module.HEAPU8.fill(0,m,m+n),m,m+n)}"
        "return l}",
    ),
    Edit(
        "JS references that were freed read as undefined; upstream refuses them",
        'if(!["object","function"].includes(typeof l))throw',
        'if(l===undefined){r.push(null);continue}if(!["object","function"].includes(typeof l))throw',
    ),
)

LOADER = (
    Edit(
        "hand the configuration to the function that gets the wasm",
        "instantiateWasm:Ie(e.indexURL)",
        "instantiateWasm:Ie(e.indexURL,e)",
    ),
    Edit(
        "the compiled wasm may be handed in",
        'function Ie(e){if(typeof WasmOffsetConverter<"u")return;let{binary:t,response:n}=_(e+"pyodide.asm.wasm"),',
        'function Ie(e,cfg){if(typeof WasmOffsetConverter<"u")return;'
        'let{binary:t,response:n}=cfg._wasmModule?{}:_(e+"pyodide.asm.wasm"),',
    ),
    Edit(
        "instantiate what was handed in",
        "let l;n?l=await WebAssembly.instantiateStreaming(n,s)",
        "let l;cfg._wasmModule?l={module:cfg._wasmModule,instance:await WebAssembly.instantiate(cfg._wasmModule,s)}"
        ":n?l=await WebAssembly.instantiateStreaming(n,s)",
    ),
    Edit(
        "say so when the wasm cannot be instantiated; upstream logs and waits for ever",
        'catch(l){console.warn("wasm instantiation failed!"),console.warn(l)}',
        'catch(l){cfg._wasmFailed?cfg._wasmFailed(l):(console.warn("wasm instantiation failed!"),console.warn(l))}',
    ),
    Edit(
        "the standard library may be handed in",
        'return e.stdLibURL!=null?t=e.stdLibURL:t=e.indexURL+"python_stdlib.zip",[he(t),',
        'return e.stdLibURL!=null?t=e.stdLibURL:t=e.indexURL+"python_stdlib.zip",[e._installStdlib??he(t),',
    ),
    Edit(
        "a classic worker will do when both modules are in one script",
        'if(r&&ae())throw new Error("Classic web workers are not supported");',
        "",
    ),
)


def apply(text: str, edits: tuple[Edit, ...], file: str) -> str:
    """`text` with every edit made. Raises PatchError unless each matches exactly once."""
    for edit in edits:
        found = text.count(edit.old)
        if found != 1:
            raise PatchError(
                f"{file}: the edit “{edit.why}” matches {found} times instead of once. "
                f"The patch is for Pyodide {VERSION}; is this another version?"
            )
        text = text.replace(edit.old, edit.new)
    return text


def patch(source: Path, target: Path) -> None:
    """Copy the unpacked npm package `pyodide` from `source` to `target`, patched. Raises PatchError."""
    target.mkdir(parents=True, exist_ok=True)
    for name, edits in (("pyodide.asm.mjs", ASM), ("pyodide.mjs", LOADER)):
        (target / name).write_text(apply((source / name).read_text("utf-8"), edits, name), "utf-8")
    for name in ("pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip", "package.json"):
        (target / name).write_bytes((source / name).read_bytes())
