"""The table declaration of a contract: the forms in which its records arrive, each a container with records inside it.

The declaration is the contract's custom property `table`, a list with one mapping for each form:

    container     csv, json (a list, an object that holds a list, or one object a line), xml, xlsx, zip (of CSV files)
    item          what a record is called in quarantine reasons (`not_a_request`)
    text_of       JSON: the member whose text is itself the document, as some SCADA servers answer: `{"d": "{…}"}`
    records       JSON: the path of the list in its object; XML: the path of the records below the root
    error         `{path, fine}`: the path of an answer's error code, and the code that means no error
    document      JSON: members next to the list that apply to every record in it
    html          XML: names of children whose text is HTML, which is read as plain text
    when          a header or member that distinguishes this form from others with the same container; XML forms differ in their root
    requires      headers that a file must have; by default those of the contract's required columns
    columns       contract column to its header or path in this form; by default `physicalName`
    joined        column to the list of headers or paths whose texts, with a space between, are its text: a date and a time
    digits        header or path to how many digits its numbers have: zeros that were left out in front are put back
    let, derived  SQL by name: intermediate values, and columns computed from several (override the contract's transformLogic)
    absent        columns that this form lacks
    sources       paths that the SQL reads; `steps[].time` is the time of each object in a list
    refuse        SQL by reason: records of this form to quarantine
    error_groups  reason to its error group, if that is not 4
    skip          SQL by reason: records that belong to something else, counted as skipped
    member        zip: the file that holds the records
    members       zip: further files by name, which the SQL reads as tables; each with `requires` and `sources`
    manifest      zip: the file that lists the archive's files
    needs_file_time    xlsx, zip, json: the file's name must have a day
    aliases       header or path to the list of its other spellings
    known         members that are not columns but are expected
    nulls         texts that mean a missing value
    encoding, decimal_mark, thousands_mark    of a text file, if not UTF-8, `.` and none

In SQL, `record` is a struct with the text at each path of the record, and `document` holds the members next to its list; `file_time` is the
time in the name of a workbook, an archive, or JSON that needs it. A further file of an archive is a table with its columns and `line`,
which orders its rows. A column may use those declared before it.
"""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
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
    XLSX = "xlsx"
    ZIP = "zip"


@dataclass(frozen=True)
class Member:
    """A further file of an archive: the columns without which it is of no use, and the others that are read."""

    requires: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """One form in which the records of a feed arrive. `derived` holds the contract's own logic and that of the form.

    `columns` has the columns that are read from one place each; the places of `joined` ones are among the `sources`.
    """

    container: Container
    item: str = "record"
    text_of: str = ""
    records: tuple[str, ...] = ()
    error_path: tuple[str, ...] = ()
    error_fine: str = ""
    document: tuple[str, ...] = ()
    html: tuple[str, ...] = ()
    when: str | None = None
    requires: tuple[str, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    let: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    refuse: Mapping[str, str] = field(default_factory=dict)
    error_groups: Mapping[str, int] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)
    member: str = ""
    members: Mapping[str, Member] = field(default_factory=dict)
    manifest: str | None = None
    needs_file_time: bool = False
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()
    encoding: str = UTF_8
    decimal_mark: str = "."
    thousands_mark: str | None = None

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """The headers or paths of its columns, without what only its SQL reads."""
        return (*self.columns.values(), *(path for parts in self.joined.values() for path in parts))

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All paths read from a record: those of its plain columns, and those its SQL uses."""
        return tuple(dict.fromkeys((*self.headers, *self.sources)))


OPTIONS = (
    *(option.name for option in fields(Form) if option.name not in ("error_path", "error_fine")),
    "error",
    "absent",
)
"""What a declared form may say."""


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
        if container is Container.XML:
            _require_roots(where, same)
        elif len(same) > 1 and sum(form.when is None for form in same) > 1:
            raise ContractError(
                f"{where}: expected `when` in all {container} forms but one, got {len(same)} forms without it; add it"
            )
    return forms


def _require_roots(where: str, forms: Sequence[Form]) -> None:
    """Raise ContractError if the root of a document, or the name of a record, does not tell which of several XML forms it has."""
    for place in (0, -1):
        names = [form.records[place] if form.records else "" for form in forms]
        if len(forms) > 1 and len(set(names)) < len(names):
            raise ContractError(
                f"{where}: expected XML forms with roots and records of different names, got {', '.join(names)}; correct `records`"
            )


def _form(where: str, declared: object, wire: Mapping[str, str], logic: Mapping[str, Logic]) -> Form:
    if not isinstance(declared, dict):
        raise ContractError(f"{where}: expected a mapping, got {type(declared).__name__}; see docs/formats.md")
    told = dict(declared)
    if strange := [name for name in told if name not in OPTIONS]:
        raise ContractError(
            f"{where}: expected the options of a form, got {', '.join(map(str, strange))}; see docs/formats.md"
        )
    renamed, own, joined = _texts(where, told, "columns"), _texts(where, told, "derived"), _lists(where, told, "joined")
    made = {name: of for name, of in logic.items() if name not in (*renamed, *joined, *own)}
    absent = dict.fromkeys(_list(where, told, "absent"), "null")
    derived = {**{name: of.sql for name, of in made.items()}, **absent, **own}
    columns = {name: path for name, path in {**wire, **renamed}.items() if name not in (*derived, *joined)}
    unknown = [name for name in (*renamed, *joined, *derived) if name not in wire]
    if unknown:
        raise ContractError(f"{where}: expected columns of the contract, got {', '.join(unknown)}; correct the names")
    error = _texts(where, told, "error")
    if error and set(error) != {"path", "fine"}:
        raise ContractError(f"{where}: expected `error` with path and fine, got {', '.join(error)}; correct it")
    order = {name: derived[name] for name in wire if name in derived}
    return Form(
        container=_container(where, told.get("container")),
        item=str(told.get("item", "record")),
        text_of=str(told.get("text_of", "")),
        records=_path(told.get("records", "")),
        error_path=_path(error.get("path", "")),
        error_fine=error.get("fine", ""),
        document=_list(where, told, "document"),
        html=_list(where, told, "html"),
        when=told.get("when"),
        requires=_list(where, told, "requires") if "requires" in told else None,
        columns=columns,
        joined=joined,
        digits={path: int(number) for path, number in _texts(where, told, "digits").items()},
        let=_texts(where, told, "let"),
        derived=order,
        sources=tuple(
            dict.fromkeys(
                (
                    *_list(where, told, "sources"),
                    *(path for of in made.values() for path in of.sources),
                    *(path for parts in joined.values() for path in parts),
                )
            )
        ),
        refuse=_texts(where, told, "refuse"),
        error_groups={reason: int(group) for reason, group in _texts(where, told, "error_groups").items()},
        skip=_texts(where, told, "skip"),
        member=str(told.get("member", "")),
        members=_members(where, told),
        manifest=told.get("manifest"),
        needs_file_time=bool(told.get("needs_file_time", False)),
        aliases=_lists(where, told, "aliases"),
        known=_list(where, told, "known"),
        nulls=_list(where, told, "nulls"),
        encoding=_encoding(where, told.get("encoding", UTF_8)),
        decimal_mark=str(told.get("decimal_mark", ".")),
        thousands_mark=told.get("thousands_mark"),
    )


def _members(where: str, told: Mapping[str, Any]) -> dict[str, Member]:
    declared = told.get("members") or {}
    is_archive = told.get("container") == Container.ZIP
    if is_archive != bool(told.get("member")) or not isinstance(declared, dict) or (declared and not is_archive):
        raise ContractError(
            f"{where}: expected `member` and a mapping `members` of a zip form alone; see docs/formats.md"
        )
    return {
        str(name): Member(_list(f"{where}: {name}", files, "requires"), _list(f"{where}: {name}", files, "sources"))
        for name, files in declared.items()
    }


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


def _lists(where: str, told: Mapping[str, Any], name: str) -> dict[str, tuple[str, ...]]:
    found = told.get(name) or {}
    if not isinstance(found, dict) or not all(isinstance(texts, list) for texts in found.values()):
        raise ContractError(f"{where}: expected `{name}` as a mapping of lists of texts, got {found!r}; correct it")
    return {str(key): tuple(map(str, texts)) for key, texts in found.items()}


def _texts(where: str, told: Mapping[str, Any], name: str) -> dict[str, str]:
    found = told.get(name) or {}
    if not isinstance(found, dict):
        raise ContractError(f"{where}: expected `{name}` as a mapping of texts, got {type(found).__name__}; correct it")
    return {str(key): str(value) for key, value in found.items()}
