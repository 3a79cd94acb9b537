"""Compares what two checkouts of Linli cost: `python -m tests.bench.ab BEFORE [AFTER]`, each with its own measurements of `tests.bench`.

Every run is a process in its checkout, and what counts is the processor time that it took, not how long: so that a machine on which others
work too gives a figure. Sides take turns; a ratio is the median of the ratios of each round (2: AFTER takes twice as much).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LIMIT = 600  # seconds of a run
#: Figures of the measurements of which more is better; all others are seconds, milliseconds or megabytes.
_RATES = {"rate", "sequential", "in_flight"}


@dataclass(frozen=True)
class Side:
    """A function of `tests.bench.<module>` and the figure of it that counts.

    `cpu` is all processor time of the run; `children` that of the processes which it started. `prepare` fills a folder for all runs.
    """

    id: str
    what: str
    module: str
    function: str
    figure: str
    prepare: str = ""
    patched: bool = False
    scale: float = 1.0


SIDES = (
    Side("P1", "append, one event a commit", "appending", "append_alone", "rate"),
    Side("P1", "load, decide, append", "appending", "execute_alone", "rate"),
    Side("P2", "append, 32 green threads", "appending", "append_by_many_green", "rate", patched=True),
    Side("P3", "append, 100 events a commit", "appending", "append_hundred", "rate"),
    Side("P5", "replay", "replaying", "replay", "rate", "write_history"),
    Side("P6", "rebuild of views", "growing", "rebuild_whole", "seconds", "write_rebuilt", True),
    Side("P6", "rebuild of views: memory", "growing", "rebuild_whole", "resident", "write_rebuilt", True),
    Side("P7", "command over RPC, one by one", "calling", "command_calls", "sequential", patched=True, scale=3),
    Side("P7", "command over RPC, 32 in flight", "calling", "command_calls", "in_flight", patched=True, scale=3),
    Side("P7", "same, followed; one by one", "calling", "followed_command_calls", "sequential", patched=True, scale=3),
    Side("P7", "same, followed; 32 in flight", "calling", "followed_command_calls", "in_flight", patched=True, scale=3),
    Side("P9", "decided and applied elsewhere, 200/s", "following", "both", "cpu", patched=True),
    Side("P11", "load and decide, unknown to the process", "replaying", "load_long", "first", "write_cases"),
    Side("P11", "load and decide, loaded before", "replaying", "load_long", "again", "write_cases"),
    Side("P13", "verify a ledger", "proving", "verify_ledger", "cpu", "write_ledger"),
    Side("P16", "empty folder to portal", "starting", "start", "children"),
    Side("P16", "same: memory", "starting", "start", "resident"),
    Side("story", "a story told to a city of all services", "", "story", "service"),
    Side("story", "same: memory", "", "story", "resident"),
    Side("views", "all views of that story's city folded anew", "", "views", "cpu", "told"),
)  # fmt: skip


def main() -> None:
    """Measure in turn and print the table."""
    if sys.argv[1:2] == ["--run"]:
        print(json.dumps(run(*sys.argv[2:])), flush=True)
        os._exit(0)  # whatever green threads are left have nothing to say any more
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ab", description=__doc__)
    parser.add_argument("before", type=Path, help="a checkout of the version before")
    parser.add_argument("after", type=Path, nargs="?", default=ROOT, help="another one (default: this one)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each side (default 7)")
    parser.add_argument("--only", nargs="+", metavar="P1", help=f"some of {', '.join(sorted({s.id for s in SIDES}))}")
    options = parser.parse_args()
    chosen = [side for side in SIDES if not options.only or side.id in options.only]
    checkouts = (options.before.resolve(), options.after.resolve())
    with tempfile.TemporaryDirectory(prefix="bench_compiled_") as compiled:  # nothing is written into a checkout
        os.environ |= {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for checkout in checkouts:
            subprocess.run([sys.executable, "-m", "compileall", "-q", "services", "shared"], cwd=checkout, check=True)
        _compare(checkouts, chosen, options.rounds)


def _compare(checkouts: Sequence[Path], chosen: Sequence[Side], rounds: int) -> None:
    print(f"{'':6}{'':44}{'before':>12}{'after':>12}  after / before")
    for (function, prepare), sides in _grouped(chosen).items():
        folders = [Path(tempfile.mkdtemp(prefix="bench_", dir="/var/tmp")) for _ in checkouts]
        try:
            found = _rounds(checkouts, folders, sides[0], prepare, rounds)
        except RuntimeError as error:
            print(f"{sides[0].id:6}{function}: {error}")
            continue
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
        for side in sides:
            _show(side, *([_cost(side, one) for one in figures] for figures in found))


def _grouped(sides: Sequence[Side]) -> dict[tuple[str, str], list[Side]]:
    groups: dict[tuple[str, str], list[Side]] = {}
    for side in sides:
        groups.setdefault((side.function, side.prepare), []).append(side)
    return groups


def _rounds(
    checkouts: Sequence[Path], folders: Sequence[Path], side: Side, prepare: str, rounds: int
) -> list[list[Mapping[str, float]]]:
    found: list[list[Mapping[str, float]]] = [[] for _ in checkouts]
    if prepare:
        for checkout, folder in zip(checkouts, folders, strict=True):
            _apart(checkout, side.module, prepare, folder, side.scale, False)
    for number in range(rounds):
        turns = list(enumerate(zip(checkouts, folders, strict=True)))
        for at, (checkout, shared) in turns if number % 2 == 0 else reversed(turns):
            own = Path(tempfile.mkdtemp(prefix="bench_", dir="/var/tmp"))
            folder = shared if prepare else own
            found[at].append(_apart(checkout, side.module, side.function, folder, side.scale, side.patched))
            shutil.rmtree(own, ignore_errors=True)
    return found


def _apart(
    checkout: Path, module: str, function: str, folder: Path, scale: float, patched: bool
) -> Mapping[str, float]:
    """The figures of a run in a process of the checkout."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--run", module, function, folder, str(scale), str(int(patched))],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout), "AMQP_URI": "linli://embedded", "MONGODB_URI": ""},
        capture_output=True,
        text=True,
        timeout=_LIMIT,
    )
    if done.returncode:
        raise RuntimeError(f"{function} failed in {checkout}: {done.stderr[-2000:]}")
    figures: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _cost(side: Side, figures: Mapping[str, float]) -> float:
    return 1e6 / figures[side.figure] if side.figure in _RATES else figures[side.figure]


def _show(side: Side, before: Sequence[float], after: Sequence[float]) -> None:
    ratios = [new / old for old, new in zip(before, after, strict=True)]
    middle = statistics.median(ratios)
    print(
        f"{side.id:6}{side.what:44}{statistics.median(before):12.4g}{statistics.median(after):12.4g}  "
        f"{middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
        flush=True,
    )


def run(module: str, function: str, folder: str, scale: str, patched: str) -> dict[str, float]:
    """Run a function of the checkout that this process was started in, with clocks that count processor time."""
    sys.path[0] = os.getcwd()
    if patched == "1":
        import eventlet

        eventlet.monkey_patch()
    if not module:
        figures = {"story": story, "told": told, "views": views}[function](Path(folder))
    else:
        found = importlib.import_module(f"tests.bench.{module}")
        work = found.write_and_project(30_000) if function == "write_rebuilt" else getattr(found, function)
        time.perf_counter = time.process_time
        begun, before = time.process_time(), _of_children()
        figures = dict(work(Path(folder), float(scale)) or {})
        figures |= {"cpu": time.process_time() - begun, "children": _of_children() - before}
    return figures


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def story(folder: Path) -> dict[str, float]:
    """Tell the older checkout's story to a new city; processor seconds and memory of the process with all services."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"LINLI_DATA": str(folder / "data"), "LINLI_PORT": str(port), "AMQP_URI": "", "LINLI_TRIAL": "yes"}
    told = os.environ.get("LINLI_STORY", "deploy/scenarios/sanchajie.yaml")
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "services.console", "up", "--scenario", told],
            env=os.environ | settings, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        while "The portal:" not in output.read_text():
            if process.poll() is not None:
                raise RuntimeError(output.read_text()[-2000:])
            time.sleep(0.05)
        status = Path(f"/proc/{process.pid}/status").read_text()
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        ticks = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        return {"service": ticks, "resident": int(resident[1]) / 1000 if resident else 0.0}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def told(folder: Path) -> dict[str, float]:
    """Tell the story so that its data can be read."""
    return story(folder)


def views(folder: Path) -> dict[str, float]:
    """Fold all views of all services from that city's logs, ten times."""
    os.environ["LINLI_DATA"] = str(folder / "data")
    audit = importlib.import_module("services.console.audit")
    audit.replay_all(None, True)
    begun = time.process_time()
    for _ in range(10):
        audit.replay_all(None, True)
    return {"cpu": time.process_time() - begun}


if __name__ == "__main__":
    main()
