"""The server of `make serve`: what browsers may keep, and for how long."""

from __future__ import annotations

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import serve


def test_only_what_is_there_is_kept_for_ever(tmp_path: Path) -> None:
    (tmp_path / "worker.0123456789.js").write_text("1")
    (tmp_path / "index.html").write_text("<p>")
    with serve.served(tmp_path) as address:
        with urlopen(address + "worker.0123456789.js") as answer:
            assert "immutable" in answer.headers["Cache-Control"]
        with urlopen(address) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
        with pytest.raises(HTTPError) as missing:
            urlopen(address + "worker.9876543210.js")
        assert missing.value.code == 404
        assert missing.value.headers["Cache-Control"] == "no-cache"  # it may be there at the next try
        missing.value.close()
