"""A client that a public generator makes of the OpenAPI document, with no warning, files and follows a case over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tests.component.gateway.every_command import PASSWORD, World

#: The generator stands in a place of its own; `make` installs it.
BIN = Path(sys.prefix) / "client" / "bin"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A town behind a real HTTP server."""
    world = World(tmp_path)
    server = make_server("127.0.0.1", 0, world.town.app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    world.close()


def test_a_generated_client_follows_a_case(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "config.yml").write_text("post_hooks: []\n")
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    made = run(
        *(BIN / "openapi-python-client", "generate", "--url", f"{url}/api/openapi.json", "--config", "config.yml"),
        *("--meta", "none", "--output-path", "linli_client", "--fail-on-warning"),
    )
    assert "WARNING" not in made
    shutil.copy(Path(__file__).with_name("following.py"), folder)
    told = json.loads(run(BIN / "python", "following.py", url, PASSWORD).splitlines()[-1])
    assert told["same"] and told["position"].startswith("issues=")
    assert told["steps"] == ["reported", "triaged", "dispatched", "accepted", "resolved", "resolved", "closed"]
    status, kind, type_, detail = told["refused"]
    assert (status, kind, type_) == (403, "forbidden", "/api/docs#forbidden") and "issue.triage" in detail
    assert (told["post"], told["mine"]) == ("post-grid", [True])
    assert told["timeline"] >= 6
