"""Long fault runs: `python -m tests.faults --kills 1000 --seed 7`. Prints the counts; exits 1 when anything was lost or doubled."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from tests.faults import losing, mutations, rolling, survival, tampered
from tests.faults.city import City
from tests.faults.founding import found
from tests.faults.test_survival import without_broker
from tests.servers import mongodb


def main() -> int:
    """Run what was asked for, one part after the other."""
    ask = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    ask.add_argument(
        "--shape", choices=("embedded", "city", "both"), default="both", help="which shape to break (default: both)"
    )
    ask.add_argument("--kills", type=int, default=100, help="processes to kill in each shape")
    ask.add_argument(
        "--away", type=float, default=0.0, help="seconds to leave the city without its broker, such as 600"
    )
    ask.add_argument(
        "--mutations", type=int, default=0, help="falsifications of logs and ledger to try, such as 100000"
    )
    ask.add_argument(
        "--rolling",
        type=int,
        default=1,
        help="times to restart every process of the city in turn, in both ways (default: 1)",
    )
    ask.add_argument(
        "--losses", type=int, default=0, help="starts after a kill with files lost, older, broken or missing"
    )
    ask.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run; default: a new one")
    asked = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before the run was over"))  # what was started is ended too
    well = True
    for shape in ("embedded", "city") if asked.shape == "both" else (asked.shape,):
        if asked.kills:
            report = (survival.embedded if shape == "embedded" else survival.city)(asked.seed, asked.kills)
            well &= _say(report)
    if asked.rolling and asked.shape != "embedded":
        for restarted in rolling.both(asked.seed, asked.rolling):
            print(restarted, flush=True)
            well &= restarted.all_well()
    if asked.away:
        city = City("city")
        try:
            city.start()
            well &= _say(
                survival.survive(city, found(city), asked.seed, lambda injector: without_broker(injector, asked.away))
            )
        finally:
            city.stop()
    if asked.mutations:
        well &= _tamper(asked.mutations, asked.seed, asked.shape)
    if asked.losses:
        lost = losing.lose(asked.seed, asked.losses)
        print(lost, flush=True)
        well &= lost.all_well()
    return 0 if well else 1


def _tamper(count: int, seed: int, shape: str) -> bool:
    """Half of the changes in memory, which is fastest, half in files, and of these a hundredth as many in databases."""
    in_memory = mutations.run(count // 2, seed)
    print(in_memory, flush=True)
    well = in_memory.all_well()
    if shape != "city":
        on_files = tampered.on_files(count - count // 2, seed)
        print(on_files, flush=True)
        well &= on_files.all_well()
    if shape != "embedded":
        database = mongodb(members=1)
        try:
            on_databases = tampered.on_databases(max(62, count // 200), seed, database.uri)
        finally:
            database.destroy()
        print(on_databases, flush=True)
        well &= on_databases.all_well()
    return well


def _say(report: survival.Report) -> bool:
    print(report, flush=True)
    if not report.all_well():
        print("\n".join(report.told), flush=True)
    return report.all_well()


if __name__ == "__main__":
    sys.exit(main())
