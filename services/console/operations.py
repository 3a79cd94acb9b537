"""Commands of operators for a running city, through its gateway."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from services.console.client import Client, operator
from services.console.output import err, out, print_json
from shared.domain.identity import new_id
from shared.service.settings import Settings


def _client(url: str | None) -> Client:
    return operator(Settings.read(), url)


def show_case(id: str, url: str | None, json: bool) -> None:
    """Print a case with its timeline."""
    case = _client(url).get("/api/issues/get_issue", {"issue_id": id})
    if json:
        print_json(case)
        return
    out.print(case["issue_id"], style="bold", end="")
    out.print(f"  {case['category']} · {case['status']} · {case['place']}")
    out.print(case["description"])
    table = Table("when", "what", "by", "", box=None)
    for line in case["timeline"]:
        what, by, text = (str(line.get(name) or "") for name in ("what", "organisation", "text"))
        table.add_row(line["at"][:16].replace("T", " "), what, by, text)
    out.print(table)


def show_status(url: str | None, json: bool) -> None:
    """Print heads, lags and parked facts."""
    status = _client(url).get("/api/operations/status")
    if json:
        print_json(status)
        return
    table = Table("service", "head", "relayed", "last day", "follows", "position", "lag", "parked", box=None)
    heads = {name: service.get("head") for name, service in status["services"].items()}
    for name, service in status["services"].items():
        if "followers" not in service:
            table.add_row(name, Text("does not answer", "red"), *[""] * 6)
            continue
        first = True
        for source, follower in service["followers"].items():
            lag = (heads.get(source) or 0) - follower["position"]
            start = (name, str(service["head"]), str(service["relayed"]), service["clock"]) if first else [""] * 4
            table.add_row(*start, source, str(follower["position"]), str(max(lag, 0)), str(follower["parked"]))
            first = False
    out.print(table)
    for name, service in status["services"].items():
        if service.get("problem"):
            out.print(f"{name}: {service['problem']}", style="red", markup=False, soft_wrap=True)


def list_parked(url: str | None, json: bool) -> None:
    """Print parked facts."""
    parked = _client(url).get("/api/operations/parked")
    if json:
        print_json(parked)
        return
    rows: list[dict[str, Any]] = []
    for service, answer in parked["services"].items():
        if "rows" not in answer:
            err.print(f"{service} does not answer")
            continue
        rows += [row | {"service": service} for row in answer["rows"]]
        if answer["next"]:
            err.print(f"{service} has more parked facts than are shown here")
    if not rows:
        out.print("nothing is parked")
        return
    table = Table("service", "source", "stream", "position", "type", "state", "reason", box=None)
    for row in rows:
        table.add_row(
            *(str(row[name]) for name in ("service", "source", "stream", "position", "type", "state", "reason"))
        )
    out.print(table)


def act_on_parked(act: str, service: str, source: str, stream: str, reason: str, url: str | None, json: bool) -> None:
    """Retry or skip parked facts, and print how many were applied."""
    body = {"service": service, "source": source, "stream": stream, "reason": reason}
    done = _client(url).post(f"/api/operations/park/{act}", body, {"Idempotency-Key": new_id()})
    print_json(done) if json else out.print(f"{done['applied']} facts of {stream} applied")


def rebuild(service: str, url: str | None, json: bool) -> None:
    """Rebuild the views of a service."""
    done = _client(url).post("/api/operations/rebuild", {"service": service}, {"Idempotency-Key": new_id()})
    print_json(done) if json else out.print(f"{service}: views folded anew from {done['facts']} facts")
