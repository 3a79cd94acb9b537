"""Runs the tests in two parts side by side: each starts servers of its own and waits for them much of the time.

`python -m tests.side_by_side [pytest options]` prints each part as it ends, then the sum, and fails when one of them does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What takes about as long as all the rest.
_FIRST = ("component", "faults", "upgrade")
#: Holds no tests of its own.
_WITHOUT = ("kit", "bench", "__pycache__")


def parts() -> list[list[str]]:
    """The folders of tests, each in one part."""
    folders = sorted(path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name not in _WITHOUT)
    rest = [name for name in folders if name not in _FIRST]
    return [[f"tests/{name}" for name in names] for names in (_FIRST, rest)]


def main() -> int:
    """Run the parts; the exit status is 0 only when all of them pass."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    running = []
    for number, folders in enumerate(parts(), 1):
        output = (build / f"tests-{number}.txt").open("w")
        environment = os.environ | {"LINLI_CRASH": str(build / f"crash-{number}.txt")}
        command = [sys.executable, "-m", "pytest", *folders, *sys.argv[1:]]
        started = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment)
        running.append((started, output))
    try:
        return _report(running)
    except KeyboardInterrupt:
        for process, _ in running:
            process.terminate()
        return 130


def _report(running: list[tuple[subprocess.Popen[bytes], object]]) -> int:
    began, failed, counts = time.monotonic(), False, dict.fromkeys(("passed", "failed", "skipped", "error"), 0)
    left = list(enumerate(running, 1))
    while left:
        for number, (process, _) in [one for one in left if one[1][0].poll() is not None]:
            left = [one for one in left if one[0] != number]
            text = (ROOT / "build" / f"tests-{number}.txt").read_text(errors="replace")
            print(f"--- part {number} ({time.monotonic() - began:.0f} s) ---\n{text}", flush=True)
            failed = failed or process.returncode != 0
            closing = text.strip().splitlines()[-1] if text.strip() else ""
            for count, outcome in re.findall(r"(\d+) (passed|failed|skipped|error)", closing):
                counts[outcome] += int(count)
        time.sleep(0.2)
    print(f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
