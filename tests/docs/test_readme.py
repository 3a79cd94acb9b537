"""The README's commands, run as a newcomer would: the story is loaded, looked at, proved, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.docs.test_documents import ROOT, blocks
from tests.processes import free_port

TRY, TEST, *LOOK = blocks("README.md", "sh")


def test_the_blocks_are_those_that_are_run_here() -> None:
    assert (TRY, TEST) == ("make run\n", "make test\n")
    assert len(LOOK) == 2


@pytest.mark.timeout(400)
def test_a_newcomer_runs_looks_and_proves(tmp_path: Path) -> None:
    """`make run`, everything under "Look closer", Ctrl-C, and once more from the files (`make test` is what runs this)."""
    environment = os.environ | {"LINLI_DATA": str(tmp_path / "data"), "LINLI_PORT": str(free_port())}
    first = _run(environment, tmp_path / "first.txt")
    assert "56" in first
    for command in "".join(LOOK).splitlines():
        done = subprocess.run(
            command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), f"{command} printed nothing"
    _stop(tmp_path)
    again = _run(environment, tmp_path / "again.txt")
    _stop(tmp_path)
    assert "56" in again


_running: dict[Path, subprocess.Popen[str]] = {}


def _run(environment: dict[str, str], output: Path) -> str:
    with output.open("w") as file:
        process = subprocess.Popen(
            TRY.split(), cwd=ROOT, env=environment, stdout=file, stderr=file, text=True, start_new_session=True
        )
    _running[output.parent] = process
    deadline = time.monotonic() + 300
    while "The portal:" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(output.read_text())
        time.sleep(0.1)
    text = output.read_text()
    assert "differ" not in text.lower() or "0 differ" in text.lower(), text
    return text


def _stop(folder: Path) -> None:
    process = _running.pop(folder)
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


@pytest.fixture(autouse=True)
def _leave_nothing_running(tmp_path: Path):  # type: ignore[no-untyped-def]
    yield
    if (process := _running.pop(tmp_path, None)) is not None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
