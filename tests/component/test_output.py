"""What the command prints is shown, never obeyed: no control character reaches the terminal, and no text is markup (S19)."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.table import Table

from services.console.output import Terminal, print_json

#: Clears the screen, rings, sets a title, moves in C1, turns writing around, and ends a style that nobody began.
HOSTILE = "灯\x1b[2J\x07\x1b]0;x\x9b1m\u202e[/x] [link=https://x]y[/link] :smile:"


def shown() -> str:
    file = StringIO()
    terminal = Terminal(file=file, force_terminal=True, width=300)
    terminal.print(HOSTILE, style="bold")
    table = Table("text", box=None)
    table.add_row(HOSTILE)
    terminal.print(table)
    return file.getvalue()


def test_texts_reach_the_terminal_as_they_are() -> None:
    text = shown()
    assert text.count("[link=https://x]y[/link] :smile:") == 2 and text.count("[/x]") == 2
    assert text.count("\\u001b[2J\\u0007\\u001b]0;x\\u009b1m\\u202e") == 2
    assert not {"\x07", "\x9b", "\u202e"} & set(text)
    assert "\x1b[2J" not in text and "\x1b]" not in text


def test_json_holds_no_control_character_and_is_the_same_value(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": HOSTILE})
    text = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert json.loads(text) == {"text": HOSTILE}
