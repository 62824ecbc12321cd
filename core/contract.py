"""The contract is the feed: an Open Data Contract Standard 3.2 file, read into facts that refuse contradictions.

Where the standard has a place for a fact, the fact stands there (type, key, required, enum, relationships, rules, service
levels); what it has no place for stands in `customProperties`: connector, format, event time, version, expected objects, slots, the
column that names a record's object, and whether deliveries are full lists.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaProperty,
)
from pydantic import ValidationError

from core.errors import ContractError, UnknownNameError
from core.exact_values import ExactLoader, Number, read_allowed, read_bound, require_order
from core.settings import PROJECT
from core.slots import Slots, SlotsBy
from core.table_forms import Form, Logic, read_forms

CONTRACTS = PROJECT / "contracts"
PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What may stand in SQL unescaped."""
CLASSES = ("open", "internal", "restricted", "personal")
"""How a column may be seen; `ingestion/load/privacy.py` says what becomes of each."""
DATE_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
"""Parts of the standard's date patterns, all of fixed width, and how `strptime` and polars write them."""
ISO = "iso8601"
TABLE = "table"
"""The format that a contract declares; every other is a module of its own."""
MINUTES = {"minutes": 1, "hours": 60, "days": 1440}


class Axis(StrEnum):
    """The four words of the slogan, and thống nhất, which letter 4856/BCA-TTDLQG measures beside them."""

    CORRECT = "correct"
    COMPLETE = "complete"
    CLEAN = "clean"
    LIVE = "live"
    CONSISTENT = "consistent"


AXIS_OF_ERROR_GROUP = {
    1: Axis.COMPLETE,
    2: Axis.CORRECT,
    3: Axis.CLEAN,
    4: Axis.CLEAN,
    5: Axis.CONSISTENT,
    6: Axis.CORRECT,
    7: Axis.LIVE,
    8: Axis.CORRECT,
}
"""Error groups 1-8 of letter 4856/BCA-TTDLQG: missing, range, duplicate, format, reference, cross-field, stale, national reference."""


@dataclass(frozen=True)
class Rule:
    """One promise about a row. `expression` is SQL over the contract's columns, `received_at` and looked-up columns; true passes.

    `column` is the column that the rule judges, where it judges one beside others: what an identifier promises counts as the identifier's.
    """

    name: str
    error_group: int
    is_blocking: bool
    expression: str
    description: str
    lookups: tuple[str, ...] = ()
    column: str | None = None

    @property
    def axis(self) -> Axis:
        """Tell which axis a failure moves."""
        return AXIS_OF_ERROR_GROUP[self.error_group]


@dataclass(frozen=True)
class Column:
    """One column of a feed. `wire_name` is its name in the source; `minimum`, `maximum` are in the column's own unit.

    `timestamp_format` of a text is that of the dates in it: each run of digits must be one (`dates_in_text`).
    """

    name: str
    wire_name: str
    label_vi: str
    description: str
    logical_type: str
    physical_type: str
    is_required: bool
    is_key: bool
    is_identifier: bool
    classification: str
    timestamp_format: str | None
    timestamp_zone: str | None
    minimum: Number | None
    maximum: Number | None
    pattern: str | None
    allowed: tuple[str, ...]
    reference: str | None


@dataclass(frozen=True)
class FullList:
    """What a delivery lists in full: all records that share the columns of `scope`, or all of the feed where there are none.

    A record that the next list of its scope does not hold has ended. `suffix` is that of the names of deliveries that are lists; a feed may
    also come in deliveries that tell of changes alone.
    """

    scope: tuple[str, ...]
    suffix: str


@dataclass(frozen=True)
class Contract:
    """A feed: what it promises and how it comes."""

    feed: str
    domain: str
    contract_version: str
    name: str
    label_vi: str
    owner: str
    grain: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    connector: str
    connector_options: tuple[tuple[str, object], ...]
    format: str
    forms: tuple[Form, ...]
    event_time: str
    version: str | None
    expected_objects: str | None
    object_column: str | None
    cadence: timedelta
    freshness: timedelta
    freshness_limit: timedelta
    is_refetchable: bool
    privacy_class: str
    slots: Slots
    full_list: FullList | None = None

    @property
    def table(self) -> str:
        """Name the bronze table: `<domain>__<feed>`."""
        return self.feed.replace(".", "__")

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Name the key columns in their order."""
        return tuple(column.name for column in self.columns if column.is_key)

    @cached_property
    def list_key(self) -> tuple[str, ...]:
        """Name the columns that tell a record of a full list from the others: those of the list's scope, then the rest of the key."""
        scope = self.full_list.scope if self.full_list else ()
        return (*scope, *(name for name in self.key if name not in scope))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Name all columns in their order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Give one column by name; raise ContractError where the contract has none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"{self.feed}: a column {name} was named, the contract has {', '.join(self.column_names)}")

    def option(self, name: str, default: str | int | None = None) -> str | int:
        """Give one option of the connector; raise ContractError where it is missing and has no default."""
        value = dict(self.connector_options).get(name, default)
        if not isinstance(value, str | int):
            raise ContractError(
                f"{self.feed}: connector {self.connector} needs option {name}, a text or a whole number; the contract gives "
                f"{'none' if value is None else 'another'}"
            )
        return value

    def __post_init__(self) -> None:
        names = (self.domain, self.feed.removeprefix(f"{self.domain}."), *self.column_names)
        odd = [name for name in names if not PLAIN_NAME.fullmatch(name)]
        if odd:
            raise ContractError(
                f"{self.feed}: names of small letters, digits and _ were promised, {', '.join(odd)} came"
            )
        if not self.key:
            raise ContractError(f"{self.feed}: a key was promised, no column has primaryKey: true")
        if not self.feed.startswith(f"{self.domain}."):
            raise ContractError(f"{self.feed}: an id of the form {self.domain}.<feed> was promised")
        for name in (
            self.event_time,
            self.version,
            self.slots.object,
            self.slots.time,
            *(rule.column for rule in self.rules),
        ):
            if name is not None:
                self.column(name)
        if self.full_list is not None:
            for name in self.full_list.scope:
                self.column(name)
            if self.version is None:
                raise ContractError(
                    f"{self.feed}: full lists follow each other by the contract's version, expected one, the contract gives none"
                )
            if set(self.key) <= set(self.full_list.scope):
                raise ContractError(
                    f"{self.feed}: expected a scope of fullList that leaves a part of the key, got {', '.join(self.full_list.scope)}; "
                    "a list of one record has nothing to leave out"
                )
        if self.object_column is not None and self.column(self.object_column).classification == "personal":
            raise ContractError(
                f"{self.feed}: the object of a record stands in the books and in marts, so that an object column which is not "
                f"personal was promised; {self.object_column} is"
            )
        if self.slots.by is not SlotsBy.UNKNOWN and not self.is_refetchable and not self.slots.lost:
            raise ContractError(
                f"{self.feed}: slots that cannot be fetched again were promised with a reason, `lost` is empty"
            )
        rules = [rule.name for rule in self.rules]
        twice = {name for name in rules if rules.count(name) > 1}
        if twice:
            raise ContractError(f"{self.feed}: rule names must be unique, {', '.join(sorted(twice))} stands twice")


def read_contract(path: Path) -> Contract:
    """Read one contract file; raise ContractError with the file's name and what is wrong in it."""
    try:
        document = OpenDataContractStandard(**yaml.load(path.read_text(encoding="utf-8"), ExactLoader))  # noqa: S506  a safe one
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise ContractError(f"{path.name}: a contract of ODCS 3.2 was promised; {error}") from error
    return _contract_of(path, document)


def read_contracts(folder: Path = CONTRACTS) -> dict[str, Contract]:
    """Read every contract below a folder, by feed, in alphabetical order."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*/*.odcs.yaml"))]
    return {contract.feed: contract for contract in contracts}


def find_contract(feed: str, folder: Path = CONTRACTS) -> Contract:
    """Give the contract of a feed, from the file of its name where there is one; raise UnknownNameError naming the feeds that exist."""
    path = folder / f"{feed.replace('.', '/')}.odcs.yaml"
    if path.is_file() and (contract := read_contract(path)).feed == feed:
        return contract
    contracts = read_contracts(folder)
    if feed not in contracts:
        raise UnknownNameError(f"{feed}: no such feed; there are {', '.join(contracts)}", feed=feed)
    return contracts[feed]


def _contract_of(path: Path, document: OpenDataContractStandard) -> Contract:
    if not document.schema_ or len(document.schema_) != 1 or not document.schema_[0].properties:
        raise ContractError(f"{path.name}: one schema object with properties was promised")
    table = document.schema_[0]
    properties = table.properties or []
    custom = _custom(document.customProperties)
    levels = {level.property: level for level in document.slaProperties or []}

    def minutes(name: str) -> timedelta:
        if name not in levels:
            raise ContractError(f"{path.name}: slaProperties need {name}")
        return timedelta(minutes=float(str(levels[name].value)) * MINUTES[levels[name].unit or "minutes"])

    missing = {"labelVi", "connector", "format", "eventTime", "isRefetchable", "privacyClass", "slots"} - set(custom)
    if missing:
        raise ContractError(f"{path.name}: customProperties need {', '.join(sorted(missing))}")
    team = document.team
    columns = tuple(_column(path, item) for item in properties)
    return Contract(
        feed=document.id or "",
        domain=document.domain or "",
        contract_version=document.version or "",
        name=document.name or "",
        label_vi=str(custom["labelVi"]),
        owner=(team.name or "") if team is not None and not isinstance(team, list) else "",
        grain=table.dataGranularityDescription or "",
        columns=columns,
        rules=tuple(_rules(path, table.quality or [])),
        connector=str(custom["connector"]),
        connector_options=tuple(sorted(dict(custom.get("connectorOptions") or {}).items())),
        format=str(custom["format"]),
        forms=_forms(path.name, custom, properties),
        event_time=str(custom["eventTime"]),
        version=custom.get("version"),
        expected_objects=custom.get("expectedObjects"),
        object_column=_object_column(custom, columns),
        cadence=minutes("frequency"),
        freshness=minutes("freshness"),
        freshness_limit=minutes("freshnessLimit"),
        is_refetchable=bool(custom["isRefetchable"]),
        privacy_class=str(custom["privacyClass"]),
        slots=Slots.read(document.id or path.name, dict(custom["slots"])),
        full_list=_full_list(path, custom.get("fullList")),
    )


def _forms(where: str, custom: dict[str, Any], properties: list[SchemaProperty]) -> tuple[Form, ...]:
    """Read what a contract of the format `table` declares; other formats declare nothing."""
    if custom["format"] != TABLE:
        if "table" in custom:
            raise ContractError(
                f"{where}: expected `table` beside `format: {TABLE}` only, got it beside {custom['format']}"
            )
        return ()
    wire = {item.name: item.physicalName or item.name for item in properties if item.name}
    logic = {
        item.name: Logic(item.transformLogic, tuple(item.transformSourceObjects or ()))
        for item in properties
        if item.name and item.transformLogic
    }
    return read_forms(where, custom.get("table"), wire, logic)


def _full_list(path: Path, promised: object) -> FullList | None:
    if promised is None:
        return None
    scope, files = (
        (promised.get(name) for name in ("scope", "files")) if isinstance(promised, dict) else (promised, None)
    )
    suffix = re.fullmatch(r"\*(\.[a-z0-9]+)?", str(files or "*"))
    if not isinstance(scope, list) or len({*scope}) != len(scope) or suffix is None:
        raise ContractError(
            f"{path.name}: fullList: expected the columns that scope a list, each once, and files as *.<ending>, got {promised}"
        )
    return FullList(tuple(map(str, scope)), suffix[1] or "")


def _object_column(custom: dict[str, Any], columns: tuple[Column, ...]) -> str | None:
    """Name the column that tells which object a record speaks of: as told, that of the slots, or named as in the objects' register."""
    told = custom.get("objectColumn") or dict(custom["slots"]).get("object")
    usual = str(custom.get("expectedObjects") or "").rpartition(".")[2]
    return str(told) if told else usual if usual in {column.name for column in columns} else None


def _column(path: Path, item: SchemaProperty) -> Column:
    if not (item.name and item.logicalType and item.physicalType and item.businessName and item.classification):
        raise ContractError(
            f"{path.name}: column {item.name} needs logicalType, physicalType, businessName (vi) and classification"
        )
    if item.classification not in CLASSES or (item.classification == "personal" and item.physicalType != "VARCHAR"):
        raise ContractError(
            f"{path.name}: column {item.name} needs a classification of {', '.join(CLASSES)}, and VARCHAR where it is personal; "
            f"{item.classification} {item.physicalType} came"
        )
    where = f"{path.name}: column {item.name}"
    options = item.logicalTypeOptions or {}
    minimum, maximum = (read_bound(where, item.physicalType, options.get(name)) for name in ("minimum", "maximum"))
    require_order(where, minimum, maximum)
    zoned = bool(options.get("timezone", True))
    return Column(
        name=item.name,
        wire_name=item.physicalName or item.name,
        label_vi=item.businessName,
        description=item.description or "",
        logical_type=item.logicalType,
        physical_type=item.physicalType,
        is_required=bool(item.required),
        is_key=bool(item.primaryKey),
        is_identifier=bool(item.criticalDataElement),
        classification=item.classification,
        timestamp_format=_timestamp_format(where, item.logicalType, options.get("format")),
        timestamp_zone=None if zoned else str(options.get("defaultTimezone", "UTC")),
        minimum=minimum,
        maximum=maximum,
        pattern=options.get("pattern"),
        allowed=read_allowed(where, item.physicalType, [entry.value for entry in item.enum or []]),
        reference=_reference(path, item),
    )


def c_pattern(pattern: str) -> str:
    """Write a date pattern of the standard (`dd/MM/yyyy`) as `strptime` and polars do (`%d/%m/%Y`)."""
    return re.sub("|".join(DATE_PARTS), lambda part: DATE_PARTS[part[0]], pattern)


def _timestamp_format(where: str, logical_type: str, promised: object) -> str | None:
    """Give the form of a timestamp, or of the dates in a text; raise ContractError for one that cannot be read."""
    if logical_type not in ("timestamp", "string") or promised is None:
        return None
    form = str(promised)
    parts = re.findall("[A-Za-z]+", "" if form == ISO else form)
    split = [part for run in parts for part in re.findall("|".join(DATE_PARTS), run)]
    if "".join(split) != "".join(parts) or len(set(split)) != len(split):
        raise ContractError(f"{where}: a format of {', '.join(DATE_PARTS)}, each once, was promised, {form} came")
    if logical_type == "string" and (not form.isalpha() or not {"yyyy", "MM", "dd"} <= set(split)):
        raise ContractError(
            f"{where}: a format of the digits of a date (yyyyMMdd and on) was promised for a text, {form} came"
        )
    return form


def _reference(path: Path, item: SchemaProperty) -> str | None:
    targets = [relationship.to for relationship in item.relationships or []]
    if not targets:
        return None
    if len(targets) > 1 or not isinstance(targets[0], str) or targets[0].count(".") != 1:
        raise ContractError(f"{path.name}: column {item.name} needs one relationship to <seed>.<column>")
    return targets[0]


def _rules(path: Path, items: list[DataQuality]) -> Iterator[Rule]:
    for item in items:
        custom = _custom(item.customProperties)
        if not (item.name and isinstance(item.implementation, str) and "errorGroup" in custom):
            raise ContractError(f"{path.name}: rule {item.name} needs a name, an implementation and an errorGroup")
        if int(custom["errorGroup"]) not in AXIS_OF_ERROR_GROUP or item.severity not in ("error", "warning"):
            raise ContractError(f"{path.name}: rule {item.name} needs errorGroup 1 to 8 and severity error or warning")
        if "::" in item.implementation:
            raise ContractError(f"{path.name}: rule {item.name} casts with `::`; write cast(… as …)")
        yield Rule(
            name=item.name,
            error_group=int(custom["errorGroup"]),
            is_blocking=item.severity == "error",
            expression=item.implementation,
            description=item.description or "",
            lookups=tuple(custom.get("lookups") or ()),
            column=custom.get("column"),
        )


def _custom(items: list[CustomProperty] | None) -> dict[str, Any]:
    return {item.property: item.value for item in items or [] if item.property}
