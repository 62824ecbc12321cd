"""No character from outside controls the terminal, in tables, titles, messages and JSON; JSON keeps every value."""

import json

import pytest
from rich.console import Console

from cli import output
from cli.visible import shortened, visible, visible_json
from core.errors import DeliveryError

HOSTILE = {
    "colours and moves": ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
    "a title of the window": ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
    "a link": ("\x1b]8;;http://x\x1b\\click", "\\x1b]8;;http://x\\x1b\\click"),
    "the C1 form of it": ("\x9b31m\x9d0;x\x9c", "\\x9b31m\\x9d0;x\\x9c"),
    "an answer to type": ("\x05\x1bZ\x1b[6n", "\\x05\\x1bZ\\x1b[6n"),
    "over the line before": ("failed\r accepted\x08\x7f", "failed\\r accepted\\x08\\x7f"),
    "another row": ("a\nb\tc\x0b\x0c\u2028\u2029\x85", "a\\nb\\tc\\x0b\\x0c\\u2028\\u2029\\x85"),
    "text backwards": ("\u202egpj.exe\u2066\u2069\u200f\u061c", "\\u202egpj.exe\\u2066\\u2069\\u200f\\u061c"),
    "what nobody sees": ("K\u00ad\u200b\u2060\ufeffín", "K\\xad\\u200b\\u2060\\ufeffín"),
    "half a character": ("\udc9b31m", "\\udc9b31m"),
    "a tag": ("a\U000e0041", "a\\U000e0041"),
    "a nul": ("a\x00b", "a\\x00b"),
    "markup": ("[/][red]x[/red]", "[/][red]x[/red]"),
    "nothing to hide": ("Tôn Nữ Kín Đáo, μg/m³ 🦆 \u0301", "Tôn Nữ Kín Đáo, μg/m³ 🦆 \u0301"),
}


@pytest.mark.parametrize(("text", "seen"), HOSTILE.values(), ids=HOSTILE)
def test_what_steers_a_terminal_is_written_out(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize("text", [text for text, _ in HOSTILE.values()], ids=HOSTILE)
def test_json_means_the_same_and_steers_nothing(text: str) -> None:
    document = {text: [text, {"of": text}]}
    written = visible_json(json.dumps(document, ensure_ascii=False, indent=2))
    assert json.loads(written) == document
    assert visible(written, keeps_lines=True) == written


@pytest.mark.parametrize(("text", "seen"), HOSTILE.values(), ids=HOSTILE)
def test_tables_titles_and_messages_hold_no_such_character(
    text: str, seen: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "console", Console(width=400))
    monkeypatch.setattr(output, "complaints", Console(width=400, stderr=True))
    output.show([{text: text, "list": [text], "map": {"of": text}}], f"Title of {text}", as_json=False)
    output.say(f"said {text}")
    output.complain(DeliveryError(f"complained of {text}"), as_json=False)
    output.complain(DeliveryError(text), as_json=True)
    output.show([{"value": text}], "", as_json=True)
    output.show_document({"value": text})
    told, complained = capsys.readouterr()
    assert visible(told + complained, keeps_lines=True) == told + complained
    title, header, _, row, *_ = told.splitlines()
    assert (title.strip(), header.split("┃")[0].strip()) == (f"Title of {seen}".strip(), seen.strip())
    assert [cell.strip() for cell in row.split("│")] == [seen.strip(), seen.strip(), f"of {seen}".strip()]


def test_lines_of_our_own_messages_stay() -> None:
    assert visible("one\ntwo\x1b", keeps_lines=True) == "one\ntwo\\x1b"


def test_a_long_text_is_cut_and_its_length_told() -> None:
    assert shortened("x" * 90, 90) == "x" * 90
    assert shortened("x" * 1_091, 90) == "x" * 90 + " … (1,091 characters)"


def test_a_table_cuts_the_columns_that_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    output.show([{"raw": "x" * 91, "link": "y" * 91}], "", as_json=False, short=("raw",))
    told = capsys.readouterr().out
    assert "(91 characters)" in " ".join(told.split())
    assert told.count("y") == 91
