"""The table declaration of a contract: the forms in which its records arrive, each a container with records inside it.

The declaration is the contract's custom property `table`, a list with one mapping for each form:

    container     csv, json (a list, an object that holds a list, or one object a line), xml
    item          what a record is called in quarantine reasons (`not_a_request`)
    records       JSON: the path of the list in its object; XML: the path of the records below the root
    error         `{path, fine}`: the path of an answer's error code, and the code that means no error
    document      JSON: members next to the list that apply to every record in it
    when          a header or member that distinguishes this form from others with the same container
    requires      headers that a file must have; by default those of the contract's required columns
    columns       contract column to its header or path in this form; by default `physicalName`
    let, derived  SQL by name: intermediate values, and columns computed from several (override the contract's transformLogic)
    absent        columns that this form lacks
    sources       paths that the SQL reads; `steps[].time` is the time of each object in a list
    refuse        SQL by reason: records of this form to quarantine
    aliases       header or path to the list of its other spellings
    known         members that are not columns but are expected
    nulls         texts that mean a missing value
    encoding, decimal_mark, thousands_mark    of a text file, if not UTF-8, `.` and none

In SQL, `record` is a struct with the text at each path of the record, and `document` holds the members next to its list. A column may use
those declared before it.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from core.errors import ContractError

UTF_8 = "utf-8"
TCVN3 = "tcvn3"
LIST = "[]"


class Container(StrEnum):
    """The file format that holds the records."""

    CSV = "csv"
    JSON = "json"
    XML = "xml"


@dataclass(frozen=True)
class Form:
    """One form in which the records of a feed arrive. `derived` holds the contract's own logic and that of the form."""

    container: Container
    item: str = "record"
    records: tuple[str, ...] = ()
    error_path: tuple[str, ...] = ()
    error_fine: str = ""
    document: tuple[str, ...] = ()
    when: str | None = None
    requires: tuple[str, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    let: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    refuse: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()
    encoding: str = UTF_8
    decimal_mark: str = "."
    thousands_mark: str | None = None

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All paths read from a record: those of its plain columns, and those its SQL uses."""
        return tuple(dict.fromkeys((*self.columns.values(), *self.sources)))


class Logic(NamedTuple):
    """How a column is computed from several: SQL, and the paths it reads."""

    sql: str
    sources: tuple[str, ...]


def read_forms(where: str, declared: object, wire: Mapping[str, str], logic: Mapping[str, Logic]) -> tuple[Form, ...]:
    """Read the declared forms of a table.

    `wire` maps each column to its header or path, in contract order; `logic` has the SQL of the computed columns.
    Raises ContractError naming what is wrong.
    """
    if not isinstance(declared, list) or not declared:
        raise ContractError(
            f"{where}: expected `table` as a list of forms, got {type(declared).__name__}; see docs/formats.md"
        )
    forms = tuple(_form(f"{where}: form {number}", form, wire, logic) for number, form in enumerate(declared, 1))
    for container in Container:
        same = [form for form in forms if form.container is container]
        if len(same) > 1 and sum(form.when is None for form in same) > 1:
            raise ContractError(
                f"{where}: expected `when` in all {container} forms but one, got {len(same)} forms without it; add it"
            )
    return forms


def _form(where: str, declared: object, wire: Mapping[str, str], logic: Mapping[str, Logic]) -> Form:
    if not isinstance(declared, dict):
        raise ContractError(f"{where}: expected a mapping, got {type(declared).__name__}; see docs/formats.md")
    told = dict(declared)
    renamed, own = _texts(where, told, "columns"), _texts(where, told, "derived")
    made = {name: of for name, of in logic.items() if name not in (*renamed, *own)}
    absent = dict.fromkeys(_list(where, told, "absent"), "null")
    derived = {**{name: of.sql for name, of in made.items()}, **absent, **own}
    columns = {name: path for name, path in {**wire, **renamed}.items() if name not in derived}
    strange = [name for name in (*renamed, *derived) if name not in wire]
    if strange:
        raise ContractError(f"{where}: expected columns of the contract, got {', '.join(strange)}; correct the names")
    error = _texts(where, told, "error")
    if error and set(error) != {"path", "fine"}:
        raise ContractError(f"{where}: expected `error` with path and fine, got {', '.join(error)}; correct it")
    order = {name: derived[name] for name in wire if name in derived}
    form = Form(
        container=_container(where, told.pop("container", None)),
        item=str(told.pop("item", "record")),
        records=_path(told.pop("records", "")),
        error_path=_path(error.get("path", "")),
        error_fine=error.get("fine", ""),
        document=_list(where, told, "document"),
        when=told.pop("when", None),
        requires=_list(where, told, "requires") if "requires" in told else None,
        columns=columns,
        let=_texts(where, told, "let"),
        derived=order,
        sources=tuple(
            dict.fromkeys((*_list(where, told, "sources"), *(path for of in made.values() for path in of.sources)))
        ),
        refuse=_texts(where, told, "refuse"),
        aliases={str(name): tuple(map(str, texts)) for name, texts in dict(told.get("aliases") or {}).items()},
        known=_list(where, told, "known"),
        nulls=_list(where, told, "nulls"),
        encoding=_encoding(where, told.pop("encoding", UTF_8)),
        decimal_mark=str(told.pop("decimal_mark", ".")),
        thousands_mark=told.pop("thousands_mark", None),
    )
    for name in (
        "columns",
        "let",
        "derived",
        "refuse",
        "error",
        "absent",
        "document",
        "aliases",
        "requires",
        "sources",
        "known",
        "nulls",
    ):
        told.pop(name, None)
    if told:
        raise ContractError(
            f"{where}: expected the options of a form, got {', '.join(map(str, told))}; see docs/formats.md"
        )
    return form


def _container(where: str, told: object) -> Container:
    if told not in list(Container):
        raise ContractError(f"{where}: expected a container of {', '.join(Container)}, got {told}; choose one of them")
    return Container(str(told))


def _encoding(where: str, told: object) -> str:
    if told == TCVN3:
        return TCVN3
    try:
        return codecs.lookup(str(told)).name
    except LookupError as error:
        raise ContractError(
            f"{where}: expected {TCVN3} or an encoding that Python knows, got {told}; correct it"
        ) from error


def _path(told: object) -> tuple[str, ...]:
    return tuple(part for part in str(told).replace("/", ".").split(".") if part)


def _list(where: str, told: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = told.get(name) or []
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise ContractError(f"{where}: expected `{name}` as a list of texts, got {found!r}; correct it")
    return tuple(found)


def _texts(where: str, told: Mapping[str, Any], name: str) -> dict[str, str]:
    found = told.get(name) or {}
    if not isinstance(found, dict):
        raise ContractError(f"{where}: expected `{name}` as a mapping of texts, got {type(found).__name__}; correct it")
    return {str(key): str(value) for key, value in found.items()}
