"""Numbers that identify somebody are masked in every text that everybody may read, however they are written."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from services.console.catalogue import OWNERS, definition
from shared.domain.command import Command
from shared.domain.event import Event
from shared.domain.fields import Text
from shared.domain.masking import masked, with_masked_texts
from shared.domain.privacy import classes_of, staff, told


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("打13812345678找王阿姨", "打138****5678找王阿姨"),
        ("+8613812345678", "138****5678"),
        ("008613812345678", "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("１３８１２３４５６７８", "138****5678"),
        ("138.1234.5678", "138****5678"),
        ("138 1234 5678, 139-1234-5678", "138****5678, 139****5678"),
        ("0591-83456789转802", "059****6789"),
        ("(0591)83456789 分机 12", "059****6789"),
        ("身份证350104198001011236", "身份证3501**********1236"),
        ("身份证３５０１０４１９８００１０１１２３６", "身份证3501**********1236"),
        ("+86-138-1234-5678", "138****5678"),
        ("138_1234_5678", "138****5678"),
        ("138·1234·5678", "138****5678"),
        ("138\u200b1234\u200b5678", "138****5678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "138****5678"),
        ("tel13812345678", "tel138****5678"),
        ("微信vx13812345678找我", "微信vx138****5678找我"),
        ("打一三八一二三四五六七八", "打138****5678"),
        ("打幺叁捌幺二三四五六七八。", "打138****5678。"),
        ("①③⑧①②③④⑤⑥⑦⑧", "138****5678"),
        ("¹³⁸¹²³⁴⁵⁶⁷⁸", "138****5678"),
        ("١٣٨١٢٣٤٥٦٧٨", "138****5678"),
        ("+852 9123 4567", "852****4567"),
        ("身份证350104 19800101 1236", "身份证3501**********1236"),
        ("身份证3501-0419-8001-0112-36", "身份证3501**********1236"),
        ("老身份证350104800101123。", "老身份证3501*******1123。"),
    ],
)
def test_a_number_of_a_person_is_masked(said: str, written: str) -> None:
    """(part of X09)"""
    assert masked(said) == written
    assert masked(written) == written


@pytest.mark.parametrize(
    "said",
    [
        "工单350104198001011230已派",  # 18 digits with a wrong check digit
        "工单202503041234567890",
        "350104800199123",  # the 99th of January
        "灯号20250304001 第3栋",
        "12345热线，110",
        "2025-03-04 09:00，3号楼302室，预算1250000元",
        "一二三四五六七八九十一，二十三楼",
        "零零零零零零零零零零零",
        "9f8e13812345678abc",
        "350104.013.002.007",
        "01997a2c-5f2b-7003-84b2-3105021f8a85",
        "",
    ],
)
def test_other_numbers_stay(said: str) -> None:
    assert masked(said) == said


class Part(msgspec.Struct, frozen=True):
    words: Annotated[str, told()]
    code: str


class Said(Event, frozen=True, kw_only=True):
    reason: Annotated[str, told()]
    parts: Annotated[tuple[Part, ...], told()]
    phone: Annotated[str, staff()]


def test_texts_of_a_fact_and_of_its_parts_are_masked_and_nothing_else() -> None:
    number = "13812345678"
    said = Said(reason=number, parts=(Part(number, number),), phone=number)
    assert with_masked_texts(said) == Said(reason="138****5678", parts=(Part("138****5678", number),), phone=number)
    clean = Said(reason="a", parts=(), phone=number)
    assert with_masked_texts(clean) is clean


@pytest.mark.parametrize("name", OWNERS)
def test_what_commands_ask_for_as_text_is_masked_sealed_or_for_staff(name: str) -> None:
    """A text that becomes a public field of a fact without being masked fails here: mark the field `told()`."""
    plain = []
    for decider in definition(name).deciders:
        kinds: dict[str, set[str]] = {}
        for event in decider.codec.events.values():
            for field, one in classes_of(event).items():
                kinds.setdefault(field, set()).add(one.kind)
        plain += [
            f"{command.name}.{field.name}"
            for command in decider.commands.values()
            for field in command.asked
            if isinstance(field.kind, Text)
            and kinds.get(field.name) == {"public"}
            and not _is_number(command, field.name)
        ]
    assert plain == []


def _is_number(command: Command, field: str) -> bool:
    """The number of a paper, which is compared and may look like that of a telephone."""
    return field in ("voucher", "bill", "contract")
