"""Everything that people read has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.console.catalogue import OWNERS
from shared.domain.errors import ForbiddenError, IllegalStateError, from_mapping, to_mapping
from shared.domain.words import said, term
from shared.words import ROOT, known, sentence, table, word
from tests.kit.words import missing, of

CHINESE = re.compile(r"[\u3400-\u9fff]")
TEMPLATES = sorted((ROOT / "services" / "gateway").rglob("*.html"))
#: Groups of texts that templates build keys for: `t("menu." ~ endpoint)`.
BUILT = re.compile(r't\("([a-z_.]+\.)" ~')
PAGES = {
    language: {key: text for (group, key), text in table(language).items() if group == "page"}
    for language in ("zh", "en")
}


@pytest.mark.parametrize("name", ["kit", "gateway", "console", *OWNERS])
def test_every_sentence_and_code_has_chinese_words(name: str) -> None:
    assert missing(of(name)) == []


def test_a_translation_has_the_arguments_of_its_template() -> None:
    for (group, key), text in table("zh").items():
        if not group:
            assert sorted(re.findall(r"{\w+}", key)) == sorted(re.findall(r"{\w+}", text)), key


def test_pages_say_the_same_in_both_languages() -> None:
    assert PAGES["zh"].keys() == PAGES["en"].keys()
    for key, zh in PAGES["zh"].items():
        en = PAGES["en"][key]
        assert CHINESE.search(zh) or key in ("colon", "comma", "date_time"), f"{key} is not Chinese: {zh}"
        assert en and not CHINESE.search(en), f"{key} is not English: {en}"
        if key != "date":  # months are numbers in one language and words in the other
            assert sorted(re.findall(r"{\w+}", zh)) == sorted(re.findall(r"{\w+}", en)), key


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_keys_that_templates_build_begin_like_texts_that_are_there(path: Path) -> None:
    for prefix in BUILT.findall(path.read_text()):
        assert any(key.startswith(prefix) for key in PAGES["en"]), prefix


def test_a_refusal_is_read_in_the_reader_s_language_wherever_it_was_raised() -> None:
    status = term("issue status", "accepted")
    error = IllegalStateError(
        "{command} is not possible while the {thing} is {status}", command="x", thing="y", status=status
    )
    arrived = from_mapping(to_mapping(error))
    assert "已接单" in sentence("zh", arrived.said)
    assert "being handled" in sentence("en", arrived.said)
    alone = from_mapping(to_mapping(IllegalStateError("x", {"status": status})))
    assert sentence("zh", alone.fields["status"]) == sentence("zh", status) == "已接单"
    unknown = from_mapping(to_mapping(ForbiddenError("nobody has translated this {thing}", thing="yet")))
    assert sentence("zh", unknown.said) == "nobody has translated this yet"
    assert sentence("zh", said("with {braces} but without arguments")) == "with {braces} but without arguments"


def test_the_word_of_a_status_may_be_that_of_its_thing() -> None:
    assert word("zh", "issue status", "accepted") == "已接单"
    assert word("zh", "wish status", "confirmed") == "已实现"
    assert word("zh", "nothing service", "audit") == word("zh", "service", "audit") == "核验"
    assert known("wish status", "confirmed") and not known("wish status", "never")
    assert word("en", "field", "place__under") == "place and below"
    assert [word("en", "field", name) for name in ("post_id", "issue_ids", "amount_fen")] == [
        "post",
        "issues",
        "amount",
    ]
    assert word("en", "order", "-day") == "day, descending"
