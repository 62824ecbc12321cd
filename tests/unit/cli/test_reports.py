"""`ioc report`: what is said when the page or the stack is not there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import reports
from cli.verbs import app
from stack.separate import separate_stack


@pytest.fixture
def refusal(tmp_path: Path, free_ports: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    settings = separate_stack(tmp_path, free_ports())
    monkeypatch.setattr(reports, "Settings", lambda: settings)

    def run(*arguments: str) -> str:
        said = CliRunner().invoke(app, ["report", *arguments, "--json"])
        assert said.exit_code == 1, said.output
        return str(json.loads(said.stderr)["message"])

    return run


def test_a_mistyped_page_is_refused_before_anything_is_opened(refusal: Callable[..., str]) -> None:
    assert refusal("moi-trong", "--pdf").endswith('got "moi-trong"; did you mean moi-truong?')
    assert refusal("--list", "moi-trong").endswith('got "moi-trong"; did you mean moi-truong?')


@pytest.mark.parametrize("arguments", [(), ("moi-truong",), ("--pdf",), ("moi-truong", "--pdf", "--list")])
def test_it_must_be_clear_what_is_wanted(refusal: Callable[..., str], arguments: tuple[str, ...]) -> None:
    assert refusal(*arguments).startswith("report: expected a page with --pdf, or --list, got neither or both")


def test_a_stack_that_is_not_up_is_said(refusal: Callable[..., str]) -> None:
    assert "expected catalogs in PostgreSQL at 127.0.0.1:" in refusal("moi-truong", "--pdf")
    assert "expected an answer of the object store, got none; see `ioc status`" in refusal("--list")
