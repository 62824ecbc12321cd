"""What a model is computed from, read from its SQL: the bronze tables and the reference lists that it and the models before it name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REF, SOURCE = re.compile(r"\bref\('(\w+)'\)"), re.compile(r"\bsource\('bronze', '(\w+)'\)")
MACRO, CALL = re.compile(r"\{% macro (\w+\().*?%\}(.*?)\{%-? endmacro", re.DOTALL), re.compile(r"\b\w+\(")


@dataclass(frozen=True)
class Lineage:
    """What a model is computed from: bronze tables and reference lists, in alphabetical order."""

    tables: tuple[str, ...]
    lists: tuple[str, ...]


def model_texts(dbt_project: Path) -> dict[str, str]:
    """Return the text of each model by its name, and of each macro by its name with `(`."""
    models = _texts(dbt_project / "models")
    for text in _texts(dbt_project / "macros").values():
        models |= dict(MACRO.findall(text))
    return models


def seeds_of(dbt_project: Path) -> dict[str, Path]:
    """Return the file of each reference list by its name."""
    return {path.stem: path for path in (dbt_project / "seeds").rglob("*.csv")}


def lineage_of(model: str, models: Mapping[str, str], seeds: frozenset[str]) -> Lineage:
    """Follow the references of a model to bronze and to the reference lists, through slots and other models.

    `models` are texts by name; a macro is among them as `name(`.
    """
    tables: set[str] = set()
    lists: set[str] = set()
    waiting, seen = [model], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        text = models.get(name, "")
        tables |= set(SOURCE.findall(text))
        waiting += [call for call in CALL.findall(text) if call in models]
        for other in REF.findall(text):
            if other in seeds:
                lists.add(other)
            else:
                waiting.append(other)
    return Lineage(tuple(sorted(tables)), tuple(sorted(lists)))


def _texts(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.sql")}
