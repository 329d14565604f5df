"""Servers of files as readers' hosts have them: eight of them, as they come and as `build/hosting/` configures them.

Each is the real program: Debian's package (fetched and unpacked into `_cache/servers/`, not installed, so none of them
starts by itself) or npm's. Where we are root they hand out files as `www-data`, as on a host. `make hosting` runs all
of them (hosting.py); the tests of the site use `python` and `nginx`.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import npm

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = ROOT / "build" / "hosting"
UNPACKED = ROOT / "_cache" / "servers"
AS_ROOT = os.geteuid() == 0
USER = "www-data"
SETTINGS = {"plain": "as it comes", "snippet": "as build/hosting/ says", "types": "all but three types wrong"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """`python3 -m http.server`, which says nothing about keeping and compares nothing but times."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def python(folder: Path) -> Iterator[str]:
    """The address of `folder`, served as `python3 -m http.server` does, within this process."""
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


@dataclass(frozen=True)
class Server:
    """A program that serves files.

    snippet:  its file in build/hosting/: a configuration, or (.sh) the command that starts it
    binary:   the program; packages: Debian's that it comes in, or npm's, as name@version
    settings: of SETTINGS, those that it can be told
    """

    name: str
    snippet: str
    binary: str
    packages: tuple[str, ...] = ()
    settings: tuple[str, ...] = ("plain",)
    says_version: tuple[str, ...] = ("-v",)


SERVERS = (
    Server("nginx", "nginx.conf", "nginx", ("nginx", "nginx-common"), tuple(SETTINGS)),
    Server(
        "Apache",
        "apache.conf",
        "apache2",
        ("apache2-bin", "libapr1", "libaprutil1", "libaprutil1-ldap", "media-types"),
        tuple(SETTINGS),
    ),
    Server(
        "lighttpd",
        "lighttpd.conf",
        "lighttpd",
        ("lighttpd", "lighttpd-mod-deflate", "libxxhash0", "libnettle8", "media-types"),
        tuple(SETTINGS),
    ),
    Server("Caddy", "Caddyfile", "caddy", ("caddy",), tuple(SETTINGS), ("version",)),
    Server("busybox httpd", "busybox.sh", "busybox", ("busybox-static",), says_version=()),
    Server("python3 -m http.server", "python.sh", "python3", says_version=("--version",)),
    Server("npx serve", "serve.sh", "npx", ("serve@14.2.7",)),
    Server("npx http-server", "http-server.sh", "npx", ("http-server@14.1.1",)),
)
NGINX = SERVERS[0]


def environment() -> dict[str, str]:
    """In which unpacked programs find what they need."""
    folders = [UNPACKED / folder for folder in ("usr/sbin", "usr/bin", "bin")]
    libraries = sorted({str(file.parent) for file in UNPACKED.glob("usr/lib/*-linux-gnu*/*.so*")})
    mine = npm.environment()
    path = os.pathsep.join([mine.get("PATH", ""), "/usr/sbin", *map(str, folders)])
    return {**mine, "PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def where(binary: str) -> str | None:
    return shutil.which(binary, path=environment()["PATH"])


def unpack(packages: tuple[str, ...]) -> None:
    """Fetch packages of Debian and unpack them, where there is apt-get."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as there:
        Path(there).chmod(0o777)  # apt fetches as a user of its own
        for command in (["apt-get", "update", "-qq"], ["apt-get", "download", "-qq", *packages]):
            subprocess.run(command, cwd=there, check=False, capture_output=True)
        for file in Path(there).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", file, UNPACKED], check=False, capture_output=True)


@functools.cache
def find(server: Server) -> str | None:
    """The path of a server's program, fetched if need be; None where it cannot be had."""
    if server.packages and server.binary == "npx":
        name, version = server.packages[0].rsplit("@", 1)
        there = UNPACKED / "npm" / "node_modules" / name / "package.json"
        if not there.exists() or f'"version": "{version}"' not in there.read_text(encoding="utf-8"):
            (UNPACKED / "npm").mkdir(parents=True, exist_ok=True)
            quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
            apart = ("--prefix", str(UNPACKED / "npm"))  # else npm takes this repository for what is meant
            install = [*npm.command(), "install", *apart, *quiet, server.packages[0]]
            subprocess.run(install, cwd=UNPACKED / "npm", env=npm.environment(), check=False, capture_output=True)
        return where("npx") if there.exists() else None
    if server.packages and not where(server.binary):
        unpack(server.packages)
    found = where(server.binary)
    asked = [found, *server.says_version] if found else []
    return found if asked and subprocess.run(asked, env=environment(), capture_output=True).returncode == 0 else None


def find_nginx() -> str | None:
    return find(NGINX)


def version(server: Server) -> str:
    """What the program says its version is."""
    if server.binary == "npx":
        return server.packages[0].rsplit("@", 1)[1]
    done = subprocess.run([find(server) or "", *server.says_version], env=environment(), capture_output=True, text=True)
    return re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)[0]  # type: ignore[index]


def filled(server: Server, port: int, folder: Path) -> str:
    """A server's file of build/hosting/ with its port and its folder in the places of those that it names."""
    text = (SNIPPETS / server.snippet).read_text(encoding="utf-8")
    text = re.sub(r"(?<= )80(?=;|$)|(?<=:)80(?= )|\b8000\b", str(port), text, flags=re.M)
    return text.replace("/srv/www", str(folder))


# ---- the least that a server needs around its snippet, and without it: what Debian's own files would say

THREE = {"html": "text/html", "css": "text/css", "js": "text/javascript"}  # the types that browsers insist on


def nginx_conf(work: Path, port: int, folder: Path, setting: str) -> str:
    types = UNPACKED / "etc/nginx/mime.types"
    if setting == "types" or not (types if types.exists() else (types := Path("/etc/nginx/mime.types"))).exists():
        known = f"types {{ {' '.join(f'{kind} {name};' for name, kind in THREE.items())} }}"
    else:
        known = f"include {types};"
    plain = f'server {{ listen {port}; root "{folder}"; }}'
    served = filled(NGINX, port, folder) if setting == "snippet" else plain
    rest = " ".join(f"{k}_temp_path {work}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = f"user {USER} {USER};" if AS_ROOT else ""
    return f"""daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log; {user}
events {{}}
http {{ {known} default_type application/octet-stream; access_log off; {rest}
{served.replace("listen ", "listen 127.0.0.1:")} }}
"""


def apache_conf(work: Path, port: int, folder: Path, setting: str) -> str:
    found = [UNPACKED / "usr/lib/apache2/modules", Path("/usr/lib/apache2/modules")]
    modules = next(path for path in found if path.exists())
    wanted = ("mpm_event", "authz_core", "dir", "mime", "headers", "filter", "deflate")
    loaded = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in wanted)
    kinds = Path("/etc/mime.types") if Path("/etc/mime.types").exists() else UNPACKED / "etc/mime.types"
    if setting == "types":
        kinds = work / "mime.types"
        kinds.write_text("".join(f"{kind} {name}\n" for name, kind in THREE.items()))
    plain = f'<Directory "{folder}">\nRequire all granted\n</Directory>'
    served = filled(server_of("Apache"), port, folder) if setting == "snippet" else plain
    user = f"User {USER}\nGroup {USER}\n" if AS_ROOT else ""
    return f"""ServerRoot {work}
Listen 127.0.0.1:{port}
ServerName localhost
PidFile {work}/pid
ErrorLog {work}/error.log
{loaded}
{user}TypesConfig "{kinds}"
DirectoryIndex index.html
DocumentRoot "{folder}"
{served}
"""


def lighttpd_conf(work: Path, port: int, folder: Path, setting: str) -> str:
    modules = next(p for p in (UNPACKED / "usr/lib/lighttpd", Path("/usr/lib/lighttpd")) if p.exists())
    assigned = dict(THREE)
    if setting != "types":  # as Debian's create-mime.conf.pl writes them from /etc/mime.types
        kinds = next(p for p in (Path("/etc/mime.types"), UNPACKED / "etc/mime.types") if p.exists())
        for line in kinds.read_text(encoding="utf-8").splitlines():
            kind, *names = line.partition("#")[0].split() or ("",)
            assigned |= {name: kind for name in names if name.islower()}  # names differ by case only: it refuses both
    table = ", ".join(f'".{name}" => "{kind}"' for name, kind in assigned.items())
    user = f'server.username = "{USER}"\nserver.groupname = "{USER}"\n' if AS_ROOT else ""
    plain = f'server.document-root = "{folder}"\nserver.port = {port}\n'
    served = filled(server_of("lighttpd"), port, folder) if setting == "snippet" else plain
    return f"""# {modules}
server.bind = "127.0.0.1"
server.errorlog = "{work}/error.log"
{user}index-file.names = ( "index.html" )
mimetype.assign = ( {table} )
{served}
"""


def caddy_conf(work: Path, port: int, folder: Path, setting: str) -> str:
    wrong = "@wrong not path *.html */ *.css *.js\nheader @wrong Content-Type application/octet-stream\n"
    plain = f':{port} {{\nroot * "{folder}"\nfile_server\n{wrong if setting == "types" else ""}}}'
    served = filled(server_of("Caddy"), port, folder) if setting == "snippet" else plain
    return "{\nadmin off\nauto_https off\ndefault_bind 127.0.0.1\n}\n" + served + "\n"


CONFIGURATIONS = {
    "nginx": (nginx_conf, ("-p", "{work}", "-e", "{work}/error.log", "-c", "{file}")),
    "Apache": (apache_conf, ("-D", "FOREGROUND", "-d", "{work}", "-f", "{file}")),
    "lighttpd": (lighttpd_conf, ("-D", "-m", "{modules}", "-f", "{file}")),
    "Caddy": (caddy_conf, ("run", "--adapter", "caddyfile", "--config", "{file}")),
}


def server_of(name: str) -> Server:
    return next(server for server in SERVERS if server.name == name)


def command(server: Server, work: Path, port: int, folder: Path, setting: str) -> list[str]:
    """How the server is started; its configuration is written into `work`."""
    program = find(server)
    assert program, f"there is no {server.name} here: ask find() first"
    if server.name not in CONFIGURATIONS:
        return [program, *shlex.split(filled(server, port, folder))[1:]]
    write, arguments = CONFIGURATIONS[server.name]
    file = work / "configuration"
    text = write(work, port, folder, setting)
    file.write_text(text, encoding="utf-8")
    modules = text.split("\n", 1)[0].removeprefix("# ")
    return [program, *(a.format(work=work, file=file, modules=modules) for a in arguments)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextlib.contextmanager
def running(server: Server, folder: Path, setting: str = "plain") -> Iterator[str]:
    """The address of `folder`, served by a server with one of its settings, as www-data where we are root."""
    with tempfile.TemporaryDirectory() as there:
        work, port = Path(there), free_port()
        work.chmod(0o755)
        started = command(server, work, port, folder, setting)
        env = {**environment(), "HOME": there, "XDG_DATA_HOME": there, "XDG_CONFIG_HOME": there}
        changes = {"user": USER, "group": USER, "extra_groups": []} if AS_ROOT else {}
        if AS_ROOT:
            shutil.chown(work, USER, USER)
        if server.name in ("nginx", "Apache", "lighttpd") or Path(started[0]).is_relative_to(Path.home()):
            changes = {}  # these begin as root and change by themselves; what lies in our home nobody else can run
        with (work / "said").open("wb") as said_to:
            process = subprocess.Popen(
                started,
                cwd=UNPACKED / "npm" if server.binary == "npx" else there,  # where npx finds what was installed
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=said_to,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **changes,  # type: ignore[arg-type]
            )
        try:
            end = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None or time.monotonic() > end:
                    said = (work / "said").read_text(errors="replace")
                    log = work / "error.log"
                    raise RuntimeError(f"{server.name}: {said}{log.read_text() if log.exists() else ''}")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """The address of `folder`, served by nginx as it comes."""
    with running(NGINX, folder) as address:
        yield address


if __name__ == "__main__":
    for each in SERVERS:
        print(f"{each.name:24} {version(each) if find(each) else 'cannot be had here'}")
    sys.exit(0 if all(map(find, SERVERS)) else 1)
