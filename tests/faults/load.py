"""A load on a city: several writers send commands of all services, repeat what they do not know, and note each receipt."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.faults.api import Api, Refused, Unknown
from tests.faults.city import PATIENCE
from tests.faults.founding import COMPOUND, OFFICER_POST, PROJECT, TEAM, WALKERS
from tests.processes import wait_until

#: How many of the receipts are asked for again, of the commands sent twice at once, and of the unknown outcomes left so.
REPEAT, TWINS, LEAVE = 0.1, 0.05, 0.1
#: A day for each patrol, since the same members walk all of them.
_DAYS = (date(1970, 1, 1) + timedelta(number) for number in itertools.count())
_NEXT_DAY = threading.Lock()


@dataclass
class Counts:
    """What the writers did, all together."""

    sent: int = 0  # commands with a key of their own
    acknowledged: int = 0
    repeated: int = 0  # sent again: after an unknown outcome, on purpose, or as a twin
    left: int = 0  # commands whose outcome nobody asked for again


@dataclass(frozen=True)
class Step:
    """A command to send; `follows` when the writer's next command needs it."""

    service: str
    command: str
    body: dict[str, Any]
    who: str = "officer"
    follows: bool = False


@dataclass
class Load:
    """Writers as threads. `path` takes one line of JSON a receipt; `wrong` says what must not happen."""

    url: str
    tokens: dict[str, str]
    path: Path
    seed: int
    writers: int = 4
    prefix: str = "k"
    counts: Counts = field(default_factory=Counts)
    wrong: list[str] = field(default_factory=list)
    waits_for: dict[str, str] = field(default_factory=dict)  # the commands without a receipt, and what was said last

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._file = self.path.open("a", encoding="utf-8")
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(self.writers)]

    def start(self) -> None:
        """Start the writers."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = PATIENCE) -> None:
        """Let every writer get the receipt of what it is doing, and end."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), f"a writer got no receipt within {seconds:g} s"
        self._file.close()

    def wait_for(self, more: int, seconds: float = PATIENCE) -> None:
        """Wait until so many further commands were acknowledged: the city works."""
        goal = self.counts.acknowledged + more
        wait_until(lambda: self.counts.acknowledged >= goal or bool(self.wrong), seconds,
                   lambda: f"no {more} commands acknowledged within {seconds:g} s; waiting: {self.waits_for}")  # fmt: skip

    def _write(self, number: int) -> None:
        choose = random.Random(f"{self.seed}-{number}")
        apis = {who: self._api(who) for who in (*self.tokens, "nobody")}
        serial = 0
        try:
            while not self._stop.is_set():
                answers: dict[str, Any] = {}
                for step in _story(choose, f"{self.prefix}{number}", serial, answers):
                    key = f"{self.prefix}{number}-{serial}"
                    serial += 1
                    receipt = self._carry_out(choose, apis[step.who], step, key)
                    if receipt is None:
                        break
                    answers |= receipt
        except Exception as error:  # a writer that ends early would hide what happened
            self.wrong.append(f"writer {number}: {error!r}")
        for api in apis.values():
            api.close()

    def _api(self, who: str) -> Api:
        return Api(self.url, self.tokens.get(who, ""), OFFICER_POST if who == "officer" else "")

    def _carry_out(self, choose: random.Random, api: Api, step: Step, key: str) -> dict[str, Any] | None:
        """The receipt of a command, however long it takes; None when it was left or refused."""
        self._count(sent=1)
        twin = self._twin(step, key) if choose.random() < TWINS else None
        about = f"{step.service}.{step.command} {key}"
        self.waits_for[about] = "not answered yet"
        while True:
            try:
                receipt = api.send(f"{step.service}/{step.command}", step.body, key)
                break
            except Unknown as error:
                self.waits_for[about] = str(error)
                if not step.follows and twin is None and choose.random() < LEAVE:
                    self._count(left=1)
                    self.waits_for.pop(about)
                    return None
                self._count(repeated=1)
                time.sleep(choose.uniform(0.02, 0.3))
            except Refused as error:
                if error.kind != "error":  # a mistake of the program is noted, and asked for again
                    self.wrong.append(f"{step.service}.{step.command} {key} was refused: {error}")
                    return None
                self.wrong.append(f"{step.service}.{step.command} {key} failed: {error}")
                time.sleep(0.2)
        self.waits_for.pop(about)
        if not receipt["position"]:
            self.wrong.append(f"{step.service}.{step.command} {key} changed nothing: {receipt}")
        self._note(step, key, receipt)
        if twin is not None:
            twin.join()
        elif choose.random() < REPEAT:
            self._again(api, step, key, receipt)
        return receipt

    def _note(self, step: Step, key: str, receipt: dict[str, Any]) -> None:
        actor = {"officer": "officer", "operator": "operator:token", "nobody": "anonymous"}[step.who]
        line = json.dumps({"key": key, "actor": actor, "command": step.command, "receipt": receipt})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
            self.counts.acknowledged += 1

    def _again(self, api: Api, step: Step, key: str, receipt: dict[str, Any]) -> None:
        """Ask for a receipt once more: it must be the same one; what may be done next can have changed."""
        self._count(repeated=1)
        try:
            second = api.send(f"{step.service}/{step.command}", step.body, key)
        except Unknown:
            return
        except Refused as error:
            self.wrong.append(f"{step.service}.{step.command} {key}, acknowledged, was refused when repeated: {error}")
            return
        if second | {"actions": []} != receipt | {"actions": []}:
            self.wrong.append(f"{step.service}.{step.command} {key}: first {receipt}, then {second}")

    def _twin(self, step: Step, key: str) -> threading.Thread:
        """Send the same command with the same key over another connection at the same time."""
        self._count(repeated=1)

        def send() -> None:
            api = self._api(step.who)
            try:
                api.send(f"{step.service}/{step.command}", step.body, key)
            except Unknown:
                pass
            except Refused as error:
                self.wrong.append(f"the twin of {step.service}.{step.command} {key} was refused: {error}")
            finally:
                api.close()

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

    def _count(self, **more: int) -> None:
        with self._lock:
            for name, number in more.items():
                setattr(self.counts, name, getattr(self.counts, name) + number)


def _story(choose: random.Random, prefix: str, serial: int, answers: dict[str, Any]) -> Iterator[Step]:
    """One thing that happens; each step's key is its serial number, and every text carries it so that effects can be counted."""
    here = f"{prefix}-{serial}"
    match choose.randrange(5):
        case 0:  # a case, handled in order by the same person
            yield Step("issues", "report_issue", _issue(here), "nobody", True)
            issue = {"issue_id": answers["id"]}
            yield Step("issues", "triage_issue", issue | {"severity": "small", "tier": "compound", "reason": f"{prefix}-{serial + 1}"},
                       follows=True)  # fmt: skip
            yield Step("issues", "dispatch_issue", issue | {"post_id": OFFICER_POST, "working_days": 5,
                       "duty": f"{prefix}-{serial + 2}"}, follows=True)  # fmt: skip
            yield Step("issues", "accept_issue", issue, follows=True)
            yield Step("issues", "resolve_issue", issue | {"outcome": f"{prefix}-{serial + 4}"}, follows=True)
        case 1:
            yield Step("issues", "report_issue", _issue(here), "nobody")
        case 2:  # everybody books into the same project
            yield Step("funding", "record_receipt", {"project_id": PROJECT, "source": "society", "payer": here,
                       "amount_fen": choose.randrange(1, 10_000)})  # fmt: skip
        case 3:  # findings become issues in another service
            findings = [{"category": "clutter", "description": f"{here}-f{n}"} for n in (1, 2)]
            with _NEXT_DAY:
                day = next(_DAYS)
            yield Step("volunteers", "log_patrol", {"patrol_id": f"patrol-{here}", "team_id": TEAM, "place": COMPOUND,
                       "route": here, "started": f"{day}T19:30:00+08:00", "minutes": 40, "members": WALKERS,
                       "findings": findings})  # fmt: skip
        case _:
            yield Step("registry", "register_person", {"person_id": here, "name": "林小满"}, "operator")


def _issue(mark: str) -> dict[str, Any]:
    return {"place": COMPOUND, "category": "clutter", "description": f"楼道堆物 {mark}"}
