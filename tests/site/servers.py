"""Servers as readers' hosts have them, Python's own and nginx: neither says how long a browser may keep a file."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "_cache" / "nginx"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """`python3 -m http.server`, which says nothing about keeping and compares nothing but times."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def python(folder: Path) -> Iterator[str]:
    """The address of `folder`, served as `python3 -m http.server` does."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@functools.cache
def find_nginx() -> str | None:
    """The path of an nginx, or None: on this machine, or, as root, in Debian's package (unpacked, not installed)."""
    unpacked = CACHE / "usr" / "sbin" / "nginx"
    places = ("nginx", "/usr/sbin/nginx", str(unpacked))
    if not any(map(shutil.which, places)) and os.geteuid() == 0 and shutil.which("apt-get"):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as there:
            for command in ("apt-get update -qq", "apt-get download -qq nginx", f"dpkg-deb -x nginx_*.deb '{CACHE}'"):
                subprocess.run(command, shell=True, cwd=there, check=False, capture_output=True)
    found = next(filter(None, map(shutil.which, places)), None)
    return found if found and subprocess.run([found, "-v"], check=False, capture_output=True).returncode == 0 else None


CONFIGURATION = """daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log; {user}
events {{}}
http {{
  types {{ text/html html; text/css css; text/javascript js; application/json json; image/svg+xml svg; image/png png; }}
  access_log off;
  client_body_temp_path {work}/a; proxy_temp_path {work}/b; fastcgi_temp_path {work}/c; uwsgi_temp_path {work}/d;
  scgi_temp_path {work}/e;
  server {{ listen 127.0.0.1:{port}; root "{folder}"; }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """The address of `folder`, served by nginx with its defaults; as another user (nobody) where we are root."""
    binary = find_nginx()
    assert binary, "there is no nginx: ask find_nginx() first"
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryDirectory() as work:
        port = listening.getsockname()[1]
        file = Path(work) / "nginx.conf"
        file.write_text(CONFIGURATION.format(work=work, user=user, port=port, folder=folder))
        process = subprocess.Popen(
            [binary, "-p", work, "-e", f"{work}/error.log", "-c", str(file)],
            pass_fds=[listening.fileno()],
            env={**os.environ, "NGINX": f"{listening.fileno()};"},  # it takes over a socket that listens already
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait()
