"""What the README says of servers is what `make hosting` saw, and the files that it shows are those that were tried."""

from __future__ import annotations

import json
from pathlib import Path

import hosting
import servers

KEPT = json.loads(hosting.KEPT.read_text(encoding="utf-8"))


def test_the_readme_shows_what_was_seen_and_the_files_that_were_tried() -> None:
    assert hosting.section(KEPT) in hosting.README.read_text(encoding="utf-8"), "make hosting KEEP=--keep writes it"


def test_every_server_was_tried_and_nothing_was_wrong() -> None:
    assert list(KEPT["servers"]) == [server.name for server in servers.SERVERS]
    assert all(set(server.settings) == set(KEPT["servers"][server.name]["seen"]) for server in servers.SERVERS)
    assert hosting.problems(KEPT) == []
    wrong = {"servers": {"a": {"seen": {"plain": {"live": "no: it fell over"}}}}}
    assert hosting.problems(wrong) == ["a, plain, live: no: it fell over"]


def test_a_file_of_ours_is_started_with_its_port_and_folder(tmp_path: Path) -> None:
    for server in servers.SERVERS:
        text = servers.filled(server, 12345, tmp_path)
        assert str(tmp_path) in text and "/srv/www" not in text
        assert "12345" in text or server.name == "Apache", "its Listen stands elsewhere"
