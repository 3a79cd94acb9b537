"""What the documents say holds: tables match the code, code blocks run, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from shared.service.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def test_every_variable_has_its_row_in_the_readme() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| `?([^`|]*?)`? \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == [tuple(row) for row in VARIABLES]


@pytest.mark.parametrize("number", range(len(blocks("CONTRIBUTING.md", "python"))))
def test_the_recipes_run(number: int) -> None:
    exec(
        compile(
            blocks("CONTRIBUTING.md", "python")[number], f"CONTRIBUTING.md, block {number}", "exec", dont_inherit=True
        ),
        {"__name__": "recipe"},
    )


def test_a_command_with_a_field_is_named_in_two_files_outside_tests_as_the_recipe_shows() -> None:
    """Every line that the recipe adds or keeps stands in its file, and no other file names the command."""
    (recipe,) = blocks("CONTRIBUTING.md", "diff")
    shown: dict[str, list[str]] = {}
    path = ""
    for line in recipe.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif not line.startswith("--- "):
            shown.setdefault(path, []).append(line[1:])
    for path, lines in shown.items():
        there = (ROOT / path).read_text().splitlines()
        assert [line for line in lines if line not in there] == [], path
    command = "describe_team"
    sources = [path for folder in ("services", "shared", "deploy") for path in (ROOT / folder).rglob("*")]
    texts = [path for path in sources if path.suffix in (".py", ".po", ".html", ".yaml", ".json", ".toml")]
    naming = {str(path.relative_to(ROOT)) for path in texts if re.search(rf"\b{command}\b", path.read_text())}
    assert naming == {path for path in shown if not path.startswith("tests/")}
    assert len(naming) == 2


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert missing == []


def test_make_alone_lists_every_task() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert [name for name in phony[1].split() if f"make {name} " not in listed] == []


def test_ci_calls_the_test_command_that_the_readme_gives() -> None:
    assert "make test\n" in blocks("README.md", "sh")
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
