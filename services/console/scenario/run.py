"""Runs a scenario through the gateway's API and compares the figures at its end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

from services.console.client import operator as operator_client
from services.console.output import progress
from services.console.scenario.load import load
from services.console.scenario.memory import Progress
from services.console.scenario.model import Call, Do, Figure, Scenario, Step, Together, Wait, calls, resolved
from services.console.scenario.paths import MISSING, WHOLE, find, holds
from services.console.scenario.people import People
from services.console.scenario.report import Compared, Report, print_report
from services.console.scenario.sending import Sender
from services.console.scenario.steps import MOST_PARALLEL
from shared.domain.errors import LinliError, UnavailableError
from shared.service.settings import Settings

#: Seconds between two queries while the run waits for a fact.
_PAUSE = 0.05
#: Seconds that views and policies may take to catch up before the figures are read.
SETTLE_WITHIN = 60.0
#: Seconds between two writes of the progress file.
_KEEP_EVERY = 0.5


class StoryError(LinliError):
    """A step had another result than the scenario expects."""

    kind = "story"


def run(path: Path, url: str | None, json: bool) -> bool:
    """Run the scenario of a file, print the report, and return whether all figures hold.

    Continues where an earlier run stopped; a second run changes nothing. `url` is the gateway's; None: from the settings.
    Raises `BadInputError` for mistakes in the file, before anything is sent, and `StoryError` when a step has another
    result than expected.
    """
    scenario = load(path)
    settings = Settings.read()
    token = operator_client(settings, url).token
    sender = Sender(url or settings.address, ca_file=settings.ca_file)
    try:
        report = Runner(scenario, sender, token, settings.data, path).run(quiet=json)
    finally:
        sender.close()
    print_report(report, json)
    return report.holds


class Runner:
    """One run of a scenario against one city."""

    def __init__(self, scenario: Scenario, sender: Sender, operator: str, data: Path, file: Path) -> None:
        """`operator` is the operator's token, `data` the folder for passwords and progress."""
        self._scenario = scenario
        self._sender = sender
        self._operator = operator
        self._people = People(sender, operator, scenario.accounts, data)
        self._progress = Progress(data / "scenarios" / f"{scenario.name}.json", scenario.digest)
        self._file = file
        self._heads: dict[str, int] = {}  # before the first request
        self._fresh = False  # whether this run has appended facts

    def run(self, quiet: bool) -> Report:
        """Send all steps, then read the figures. `quiet` shows no progress."""
        started = time.monotonic()
        self._heads = self._status(patient=False)[0]  # an absent city is an error at once
        self._people.prepare()
        self._progress.resume(self._heads)
        skipped = self._progress.done
        self._tell(quiet)
        told = time.monotonic()
        self._settle()
        compared = tuple(self._compare(figure) for figure in self._scenario.figures)
        return Report(
            scenario=self._scenario,
            skipped=skipped,
            told_seconds=told - started,
            seconds=time.monotonic() - started,
            repeated=self._sender.repeated,
            compared=compared,
            accounts=self._people.listed(),
            accounts_file=self._people.path,
            positions=dict(self._progress.positions),
        )

    def _tell(self, quiet: bool) -> None:
        kept = time.monotonic()
        steps = self._scenario.count
        with ThreadPoolExecutor(MOST_PARALLEL) as pool, progress(quiet) as bar:
            task = bar.add_task(self._scenario.title["en"], total=steps, completed=self._progress.done)
            try:
                for batch in self._scenario.batches(self._progress.done):
                    for step in batch:
                        for call in calls(step):
                            self._people.token(self._who(call))
                    if batch[0].bulk > 1:
                        for step, line in zip(batch, self._in_bulk(batch), strict=True):
                            self._note(step, [line])
                    else:
                        for step, answer in zip(batch, pool.map(self._take, batch), strict=True):
                            self._note(step, answer)
                    self._progress.done += len(batch)
                    bar.update(task, completed=self._progress.done)
                    if time.monotonic() - kept > _KEEP_EVERY:
                        self._progress.keep()
                        kept = time.monotonic()
            finally:
                self._progress.keep()

    def _take(self, step: Step) -> list[Mapping[str, Any]]:
        """Send one step; return the answers of the calls that succeeded."""
        with self._explained(step):
            match step:
                case Do():
                    return self._do(step)
                case Together():
                    return self._together(step)
                case Wait():
                    return [self._wait(step)]
        raise AssertionError(f"unknown step {step}")

    def _do(self, step: Do) -> list[Mapping[str, Any]]:
        try:
            answer = self._send(step, step.call, step.key(self._scenario.name))
        except UnavailableError:
            raise
        except LinliError as error:
            # in a repeated run later steps may have changed the reason of the refusal
            if step.refused and (error.kind == step.refused or not self._fresh):
                return []
            outcome = f"must be refused as {step.refused}, but the reason is another" if step.refused else "was refused"
            raise StoryError(f"{step.call.shown} {outcome} ({error.kind}): {error.message}", error.fields) from error
        if step.refused and answer["events"]:
            raise StoryError(f"{step.call.shown} must be refused as {step.refused}, but was done")
        return [] if step.refused else [answer]

    def _in_bulk(self, batch: Sequence[Step]) -> list[Mapping[str, Any]]:
        """Send turns of one step as one act; each of them must succeed. The answers, as if each had been sent alone."""
        first, call = batch[0], calls(batch[0])[0]
        lines = [resolved(calls(step)[0].arguments, self._progress.saved) for step in batch]
        act = Call(call.service, "bring_in", {"command": call.name, "lines": lines}, call.who, call.post)
        try:
            answer = self._send(first, act, first.key(self._scenario.name), "/api/operations/bring-in")
        except UnavailableError:
            raise
        except LinliError as error:
            reason = f"{call.shown} in bulk was refused ({error.kind}): {error.message}"
            raise StoryError(f"{self._at(first)}: {reason}", error.fields) from error
        for step, line in zip(batch, answer["lines"], strict=True):
            if wrong := line.get("error"):
                reason = f"{call.shown} was refused ({wrong['kind']}): {wrong['message']}"
                raise StoryError(f"{self._at(step)}: {reason}", wrong["fields"])
        receipt = {"service": answer["service"], "position": answer["position"]}
        return [{**receipt, **line} for line in answer["lines"]]

    def _together(self, step: Together) -> list[Mapping[str, Any]]:
        start = Barrier(len(step.calls))

        def send(number: int) -> Mapping[str, Any] | LinliError:
            call = step.calls[number]
            start.wait(10)
            try:
                return {**self._send(step, call, f"{step.key(self._scenario.name)}:{number}"), "who": self._who(call)}
            except UnavailableError:
                raise
            except LinliError as error:
                return error

        with ThreadPoolExecutor(len(step.calls)) as pool:
            outcomes = list(pool.map(send, range(len(step.calls))))
        done = [outcome for outcome in outcomes if not isinstance(outcome, LinliError)]
        if len(done) != step.succeed:
            refusals = "; ".join(outcome.message for outcome in outcomes if isinstance(outcome, LinliError))
            counted = f"{len(done)} of {len(outcomes)} succeeded, not {step.succeed}"
            raise StoryError(f"{counted}. Refusals: {refusals or 'none'}")
        return done

    def _wait(self, step: Wait) -> Mapping[str, Any]:
        deadline = time.monotonic() + step.within
        expected = resolved(step.equals, self._progress.saved)
        while True:
            answer = self._ask(step.call)
            if holds(found := find(answer, step.path), expected):
                return answer
            if time.monotonic() > deadline:
                raise StoryError(f"{step.call.shown}: {step.path} is {found!r} after {step.within} s, not {expected!r}")
            time.sleep(_PAUSE)

    def _send(self, step: Step, call: Call, key: str, path: str = "") -> Mapping[str, Any]:
        imported = {
            "Linli-Occurred": step.at,
            "Linli-Import": self._operator,
        }  # a story is brought in, and its facts say so
        headers = {"Idempotency-Key": key, **imported, **self._headers(call)}
        sent = resolved(call.arguments, self._progress.saved)
        answer: Mapping[str, Any] = self._sender.post(
            path or call.path, sent, self._people.token(self._who(call)), headers
        )
        return answer

    def _ask(self, call: Call) -> Mapping[str, Any]:
        asked = resolved(call.arguments, self._progress.saved)
        token = self._people.token(self._who(call))
        answer: Mapping[str, Any] = self._sender.get(call.path, asked, token, self._headers(call))
        return answer

    def _who(self, call: Call) -> str:
        return str(resolved(call.who, self._progress.saved))

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {}
        if post := resolved(call.post, self._progress.saved):
            headers["Linli-Post"] = str(post)
        if self._progress.positions:
            after = sorted(self._progress.positions.items())
            headers["Linli-After"] = ",".join(f"{service}={position}" for service, position in after)
        return headers

    def _note(self, step: Step, answers: list[Mapping[str, Any]]) -> None:
        """Record what a step appended and saved; in one thread."""
        positions = self._progress.positions
        for answer in answers:
            if not isinstance(step, Wait):
                service, position = answer["service"], answer["position"]
                positions[service] = max(positions.get(service, 0), position)
                self._fresh |= position > self._heads.get(service, 0)
            for name, path in step.saves.items():
                if (found := find(answer, path)) is MISSING or found == "":
                    raise StoryError(f"{self._at(step)}: the answer has nothing at {path}, which was to be saved")
                self._progress.saved[name] = found

    def _status(self, patient: bool = True) -> tuple[dict[str, int], list[str]]:
        """Return the heads of all logs, and the followers that lag."""
        services = self._sender.get("/api/operations/status", {}, self._operator, patient=patient)["services"]
        heads: dict[str, int] = {}
        late = [f"{name} does not answer" for name, service in services.items() if "head" not in service]
        for name, service in services.items():
            heads[name] = service.get("head", 0)
        for name, service in services.items():
            for source, follower in service.get("followers", {}).items():
                if follower["position"] < heads.get(source, 0):
                    late.append(f"{name} has not heard all of {source}")
                if follower["parked"]:
                    late.append(f"{name} has parked {follower['parked']} facts of {source}")
        return heads, late

    def _settle(self) -> None:
        """Wait until every service has applied all facts, policies included; raises `StoryError` when one does not."""
        deadline = time.monotonic() + SETTLE_WITHIN
        before: dict[str, int] | None = None
        while True:
            heads, late = self._status()
            if not late and heads == before:  # unchanged heads: no policy has appended anything in between
                self._progress.positions = {name: head for name, head in heads.items() if head}
                return
            if time.monotonic() > deadline:
                raise StoryError(f"the services have not come to rest in {SETTLE_WITHIN:g} s: {'; '.join(late)}")
            before = heads
            time.sleep(_PAUSE)

    def _compare(self, figure: Figure) -> Compared:
        try:
            answer = self._ask(figure.call)
        except UnavailableError:
            raise
        except LinliError as error:
            return Compared(figure, f"refused: {error.message}", (), False)
        found = find(answer, figure.path)
        if figure.path == WHOLE and isinstance(figure.equals, Mapping):
            found = {name: answer.get(name) for name in figure.equals}
        parts = tuple(find(answer, part) for part in figure.parts)
        whole = not parts or (all(type(part) is int for part in parts) and sum(parts) == found)
        return Compared(figure, None if found is MISSING else found, parts, holds(found, figure.equals) and whole)

    @contextmanager
    def _explained(self, step: Step) -> Iterator[None]:
        try:
            yield
        except StoryError as error:
            raise StoryError(f"{self._at(step)}: {error.message}", error.fields) from error

    def _at(self, step: Step) -> str:
        turn = f", turn {step.turn}" if step.turn else ""
        return f"{self._file.name}:{step.line}, step {step.number}{turn} ({step.at[:16].replace('T', ' ')})"
