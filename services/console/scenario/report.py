"""The report of a run: steps, figures and accounts, as text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from services.console.output import Terminal, out, print_json
from services.console.scenario.model import Do, Figure, Scenario, Together

#: Columns of the report when it does not go to a terminal.
WIDTH = 150


@dataclass(frozen=True)
class Compared:
    """A figure with the city's value; `found` is None when the answer has none."""

    figure: Figure
    found: Any
    parts: tuple[Any, ...]
    holds: bool


@dataclass(frozen=True)
class Report:
    """The result of a run. `skipped` steps were done in an earlier run, `repeated` requests were retried."""

    scenario: Scenario
    skipped: int
    told_seconds: float
    seconds: float
    repeated: int
    compared: tuple[Compared, ...]
    accounts: list[dict[str, str]]
    accounts_file: Path
    positions: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether all figures are as expected."""
        return all(one.holds for one in self.compared)

    @property
    def refused(self) -> int:
        """The number of commands that the scenario expects to be refused."""
        alone = sum(isinstance(step, Do) and bool(step.refused) for step in self.scenario.steps)
        return alone + sum(len(step.calls) - step.succeed for step in self.scenario.steps if isinstance(step, Together))


def shown(value: Any) -> str:
    """Format a value: a share as a fraction with its percentage, a qualified number with its qualifier."""
    if isinstance(value, Mapping):
        if {"numerator", "denominator"} <= value.keys():
            number, of = value["numerator"], value["denominator"]
            return f"{number}/{of} ({100 * number / of:.1f} %)" if of else f"{number}/{of}"
        if {"value", "qualifier"} <= value.keys():
            qualifier = "" if value["qualifier"] == "exact" else f"{value['qualifier'].replace('_', ' ')} "
            return f"{qualifier}{value['value']:,}"
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "nothing" if value is None else str(value)


def print_report(report: Report, json: bool) -> None:
    """Print the report on stdout."""
    if json:
        print_json(as_json(report))
        return
    scenario = report.scenario
    page = out if out.is_terminal else Terminal(width=WIDTH)
    page.print(scenario.title["zh"], style="bold", end="  ")
    page.print(scenario.title["en"], soft_wrap=True)
    if scenario.about["zh"]:
        page.print(scenario.about["zh"].strip(), scenario.about["en"].strip(), sep="\n", soft_wrap=True)
    page.print()
    page.print(_chapters(scenario))
    sent = scenario.count - report.skipped
    known = f"{report.skipped:,} were done before, " if report.skipped else ""
    again = f"; {report.repeated} requests were repeated" if report.repeated else ""
    page.print(
        f"\n{scenario.count:,} steps: {known}{sent:,} sent in {report.told_seconds:.1f} s; "
        f"{report.refused} commands refused, as the story says{again}\n"
    )
    page.print(_figures(report))
    wrong = sum(not one.holds for one in report.compared)
    total = len(report.compared)
    verdict = f"all {total} figures hold" if not wrong else f"{wrong} of {total} figures differ"
    positions = ", ".join(f"{service} {position:,}" for service, position in report.positions.items())
    page.print(f"\n{verdict}", style="bold red" if wrong else "green", end="")
    page.print(f", computed from the events up to: {positions}\n", soft_wrap=True)
    if report.accounts:
        page.print(_accounts(report))
        page.print(f"(kept in {report.accounts_file}, for its owner only)", soft_wrap=True)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain data."""
    scenario = report.scenario
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "holds": report.holds,
        "steps": scenario.count,
        "skipped": report.skipped,
        "refused": report.refused,
        "repeated": report.repeated,
        "told_seconds": round(report.told_seconds, 3),
        "seconds": round(report.seconds, 3),
        "positions": report.positions,
        "figures": [
            {
                "title": one.figure.title,
                "rows": one.figure.rows,
                "query": one.figure.call.shown,
                "path": one.figure.path,
                "expected": one.figure.equals,
                "found": one.found,
                "parts": dict(zip(one.figure.parts, one.parts, strict=True)),
                "unit": one.figure.unit,
                "holds": one.holds,
            }
            for one in report.compared
        ],
        "accounts": report.accounts,
    }


def _chapters(scenario: Scenario) -> Table:
    table = Table("from", "to", "what happened", "", "steps", box=None)
    numbers = Counter(step.chapter for step in scenario.steps)
    for chapter, title in enumerate(scenario.chapters):
        if days := [step.at[:10] for step in scenario.steps if step.chapter == chapter]:
            table.add_row(min(days), max(days), Text(title["zh"]), Text(title["en"]), f"{numbers[chapter]:,}")
    return table


def _figures(report: Report) -> Table:
    table = Table("", "figure", "", "rows", "found", "expected", box=None)
    for one in report.compared:
        found = shown(one.found)
        if one.parts:
            found += " = " + " + ".join(shown(part) for part in one.parts)
        if one.figure.unit:
            found += f" {one.figure.unit}"
        expected = "" if one.holds else shown(one.figure.equals)
        sign = Text("✓", "green") if one.holds else Text("✗", "bold red")
        title = (Text(one.figure.title["zh"]), Text(one.figure.title["en"]))
        table.add_row(sign, *title, " ".join(one.figure.rows), Text(found), Text(expected, "red"))
    return table


def _accounts(report: Report) -> Table:
    table = Table("sign in as", "password", "who", "", box=None)
    for account in report.accounts:
        table.add_row(account["username"], Text(account["password"]), Text(account["zh"]), Text(account["en"]))
    return table
