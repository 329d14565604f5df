"""Serve `_site/` at 127.0.0.1, as any static file server would. `make serve` (PORT=9000 for another port)

It sends the right types for .wasm and .mjs, lets browsers keep what has a hash in its name, and nothing else:
the site needs no more.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import functools
import http.server
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HASHED = re.compile(r"\.[0-9a-f]{8,}\.")
TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 (as the base has it)
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        **TYPES,
    }
    protocol_version = "HTTP/1.1"
    status = 0

    def send_response(self, code: int, message: str | None = None) -> None:
        self.status = code
        super().send_response(code, message)

    def end_headers(self) -> None:
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        forever = self.status in (200, 206, 304) and HASHED.search(name)  # an error may be over at the next try
        self.send_header("Cache-Control", "public, max-age=31536000, immutable" if forever else "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a browser that closes a connection early is not an error


def make_server(directory: Path, port: int, handler: type[Handler] = Handler) -> Server:
    """A server of `directory` on 127.0.0.1:port (0: any free port), not yet running."""
    return Server(("127.0.0.1", port), functools.partial(handler, directory=str(directory)))


@contextlib.contextmanager
def served(directory: Path, handler: type[Handler] = Handler) -> Iterator[str]:
    """A running server of `directory` on any free port; gives its address, which ends in a slash."""
    server = make_server(directory, 0, handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(
    directory: Path, port: int, handler: type[Handler] = Handler, *, again: str = "make serve", place: str = ""
) -> int:
    """Serve for ever, and say where; 1 where that cannot be. again: the command of whoever started this;
    place: the page to open"""
    try:
        server = make_server(directory, port, handler)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            print(
                f"port {port} is taken by another program; choose another: {again} PORT={port + 1}",
                file=sys.stderr,
            )
        elif problem.errno == errno.EACCES:
            print(f"this user may not open port {port}; choose one above 1023: {again} PORT=8000", file=sys.stderr)
        else:
            print(f"cannot serve at port {port}: {problem.strerror}", file=sys.stderr)
        return 1
    except OverflowError:
        print(f"{port} is not a port: choose a number from 1 to 65535", file=sys.stderr)
        return 1
    what = "the page" if place else "the site"
    print(f"{what} is at http://127.0.0.1:{server.server_port}/{place}  (stop with Ctrl-C)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--directory", type=Path, default=ROOT / "_site")
    arguments = parser.parse_args()
    if not (arguments.directory / "index.html").exists():
        print(f"there is no site in {arguments.directory}: run `make site` first", file=sys.stderr)
        return 1
    return run(arguments.directory, arguments.port)


if __name__ == "__main__":
    raise SystemExit(main())
