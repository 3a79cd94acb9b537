"""The other cities' stories in a real city: small ones with the same steps, and by option the whole ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.console.scenario import load
from tests.e2e.test_story import ROOT, City, city

__all__ = ["city"]
FANCHENG = ROOT / "deploy/scenarios/fancheng.yaml"
#: The numbers of the whole city, and those of a small one.
SMALL = {
    "{from: 1, to: 75}": "{from: 1, to: 3}",
    "over: 75": "over: 3",
    "from: 1, to: 212": "from: 1, to: 2",
    "from: 213, to: 513": "from: 3, to: 5",
    "from: 514, to: 634": "from: 6, to: 6",
    "from: 635, to: 1004": "from: 7, to: 10",
    "from: 1, to: 1004": "from: 1, to: 10",
    "{market: 212, unit: 301, self_governed: 121, covered: 370}": "{market: 2, unit: 3, self_governed: 1, covered: 4}",
    "equals: 1004": "equals: 10",
    "equals: 75": "equals: 3",
}


def small(folder: Path, changes: dict[str, str]) -> Path:
    """A file with the story of a small city."""
    story = FANCHENG.read_text(encoding="utf-8")
    for whole, part in changes.items():
        assert whole in story, whole
        story = story.replace(whole, part)
    file = folder / "small.yaml"
    file.write_text(story, encoding="utf-8")
    return file


def run(city: City, file: Path) -> tuple[int, dict[str, Any]]:
    """Tell a story: the exit code, and the report."""
    done = city.linli("scenario", "run", str(file), "--json")
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(300)
def test_a_small_fancheng_gives_its_figures_and_says_which_one_differs(city: City, tmp_path: Path) -> None:
    """(part of E01, E16, E21, E22, X03)"""
    file = small(tmp_path, SMALL)
    code, report = run(city, file)
    assert code == 0 and report["holds"] and report["steps"] == load(file).count
    heads = city.heads()

    wrong = small(
        tmp_path, SMALL | {"{market: 212, unit: 301, self_governed: 121, covered: 370}": "{market: 3, unit: 2}"}
    )
    code, report = run(city, wrong)
    differing = [figure["title"]["en"] for figure in report["figures"] if not figure["holds"]]
    assert (code, report["holds"], differing) == (1, False, ["the four provisions"])
    assert city.heads() == heads  # told again, nothing changes


@pytest.mark.city
@pytest.mark.timeout(600)
def test_the_whole_fancheng_gives_the_figures_of_the_source(city: City) -> None:
    """212 + 301 + 121 + 370 = 1,004 compounds, each with a Party branch and basic service (part of E01, E16, E21, E22, X03)."""
    code, report = run(city, FANCHENG)
    found = {figure["title"]["en"]: figure["found"] for figure in report["figures"]}
    assert code == 0 and report["holds"]
    assert found["the four provisions"] == {"market": 212, "unit": 301, "self_governed": 121, "covered": 370}
    assert found["compounds = sum of the four provisions"] == 1004


@pytest.mark.timeout(300)
def test_xiazhan_has_119_party_organisations_and_22_self_organisations_of_three_kinds(city: City) -> None:
    """(part of A03, A04, A05, A06)"""
    code, report = run(city, ROOT / "deploy/scenarios/xiazhan.yaml")
    found = {figure["title"]["en"]: figure["found"] for figure in report["figures"]}
    assert code == 0 and report["holds"]
    kinds = found["organisations = Party + the three kinds"]
    assert kinds.pop("party_branch") == 119 and sum(kinds.values()) == 22 and len(kinds) == 3


@pytest.mark.timeout(300)
def test_fenyang_has_169_party_organisations_in_30_communities(city: City) -> None:
    """(part of B30)"""
    code, report = run(city, ROOT / "deploy/scenarios/fenyang.yaml")
    found = {figure["title"]["en"]: figure["found"] for figure in report["figures"]}
    assert code == 0 and report["holds"]
    assert found == {"communities": 30, "Party organisations of compounds": 169}
