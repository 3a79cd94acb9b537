"""Every operation answers as the OpenAPI document says, whatever is thrown at it (R7). `make fuzz` does it for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.component.gateway.fuzzing import Fuzzed, GenerationMode, run


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    made = Fuzzed(tmp_path_factory.mktemp("fuzzed"))
    yield made
    made.close()


def test_every_answer_is_as_documented(fuzzed: Fuzzed) -> None:
    run(fuzzed, examples=1, readers=1)
    assert fuzzed.failures == [], "\n\n".join(fuzzed.failures)
    print(f"\nanswers: {dict(sorted(fuzzed.counts.items()))}")
    assert sum(fuzzed.counts.values()) > 250
    assert {200, 401, 403, 404, 422} <= set(fuzzed.counts), "the calls reach what they are meant to try"


def test_an_answer_that_is_not_documented_is_found(fuzzed: Fuzzed) -> None:
    operation = next(one for one in fuzzed.operations() if one.path == "/api/issues/issue_figures")
    fuzzed.app.view_functions["api_issues.issue_figures"] = lambda: ({"place": 1}, 418)
    fuzzed.fuzz(operation, "", GenerationMode.POSITIVE, 1)
    fuzzed.app.view_functions["api_issues.issue_figures"] = lambda: ({"place": 1}, 200)
    fuzzed.fuzz(operation, "", GenerationMode.POSITIVE, 1)
    assert "Undocumented status code" in fuzzed.failures[0]
    assert "violates schema" in fuzzed.failures[-1]
