"""Python's C headers for WebAssembly: python_headers.py headers pyconfig.h python_stdlib.zip output.

The npm package has no headers. Those of the same minor version from Debian will do, except pyconfig.h, which describes
the machine: it is written anew from what Pyodide's own build recorded in its _sysconfigdata.
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

SYSCONFIG = "_sysconfigdata__emscripten_wasm32-emscripten"
# Feature macros which configure defines outright, so _sysconfigdata does not record them.
ALWAYS = {
    "_GNU_SOURCE": "1",
    "_FILE_OFFSET_BITS": "64",
    "_LARGEFILE_SOURCE": "1",
    "_POSIX_C_SOURCE": "200809L",
    "_XOPEN_SOURCE": "700",
    "_XOPEN_SOURCE_EXTENDED": "1",
    "_Py_STACK_GROWS_DOWN": "1",
}
MACRO = re.compile(r"\s*#\s*define\s+(\w+)\b|\s*/\*\s*#\s*undef\s+(\w+)\s*\*/|\s*#\s*undef\s+(\w+)")


def pyconfig(template: str, recorded: dict[str, object]) -> str:
    """The text of pyconfig.h: every macro that the template names, with the value recorded for the target.

    template: the pyconfig.h of another machine (it gives the names)
    recorded: build_time_vars of the target's _sysconfigdata; 0 means undefined, except where 0 is a value
    """
    names = dict.fromkeys(next(filter(None, m.groups())) for m in map(MACRO.match, template.splitlines()) if m)
    lines = ["/* Written by build/numpy_wheel/python_headers.py from _sysconfigdata. */"]
    lines += ["#ifndef Py_PYCONFIG_H", "#define Py_PYCONFIG_H"]
    for name in names:
        if name == "Py_PYCONFIG_H" or name.startswith("__") or name not in recorded:
            continue
        value = recorded[name]
        zero_is_a_value = name.startswith(("HAVE_DECL_", "ALIGNOF_", "SIZEOF_"))
        undefined = value == 0 and not zero_is_a_value
        lines.append(f"/* #undef {name} */" if undefined else f"#define {name} {value}")
    for name, value in ALWAYS.items():
        lines += [f"#ifndef {name}", f"#define {name} {value}", "#endif"]
    return "\n".join([*lines, "#endif", ""])


def main(headers: str, template: str, stdlib: str, output: str) -> None:
    """Write the headers to output/include/python3.x, and _sysconfigdata to output."""
    out = Path(output)
    source = zipfile.ZipFile(stdlib).read(f"{SYSCONFIG}.py").decode()
    scope: dict[str, dict[str, object]] = {}
    exec(compile(source, SYSCONFIG, "exec"), scope)
    include = out / "include" / Path(headers).name
    shutil.copytree(headers, include)
    (include / "pyconfig.h").write_text(pyconfig(Path(template).read_text(), scope["build_time_vars"]))
    (out / f"{SYSCONFIG}.py").write_text(source)


if __name__ == "__main__":
    main(*sys.argv[1:])
