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
from functools import cached_property, lru_cache
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

from core.errors import ContractError
from core.exact_values import ExactLoader, Number, read_allowed, read_bound, require_order
from core.names import unknown_name
from core.settings import PROJECT
from core.slots import Slots, SlotsBy
from core.table_forms import Form, Logic, read_forms

CONTRACTS = PROJECT / "contracts"
PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A name that is safe in SQL without quotes."""
CLASSES = ("open", "internal", "restricted", "personal")
"""Who may see a column; `ingestion/load/privacy.py` says how each class is stored."""
DATE_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
"""Fixed-width parts of the standard's date patterns, and the `strptime` and polars codes for them."""
ISO = "iso8601"
TABLE = "table"
"""The format declared in the contract itself; every other format is a module of its own."""
MINUTES = {"minutes": 1, "hours": 60, "days": 1440}


class Axis(StrEnum):
    """The four words of the slogan, plus thống nhất, which letter 4856/BCA-TTDLQG also measures."""

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

    `column` is the one the rule is about when the expression reads several: a rule about an identifier counts towards that identifier.
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
        """The axis that a failure lowers."""
        return AXIS_OF_ERROR_GROUP[self.error_group]


@dataclass(frozen=True)
class Column:
    """One column of a feed. `wire_name` is its name in the source; `minimum`, `maximum` are in the column's own unit.

    For text, `timestamp_format` is the format of the dates in it: each run of digits must be one (`dates_in_text`).
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
    """What a delivery lists in full: all records with the same values in the `scope` columns, or the whole feed if `scope` is empty.

    A record missing from the next list of its scope has ended. Deliveries whose names end in `suffix` are full lists; a feed may also
    send deliveries that hold only changes.
    """

    scope: tuple[str, ...]
    suffix: str


@dataclass(frozen=True)
class Contract:
    """A feed: what it promises and how it is delivered."""

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
        """The name of the bronze table: `<domain>__<feed>`."""
        return self.feed.replace(".", "__")

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The key columns, in contract order."""
        return tuple(column.name for column in self.columns if column.is_key)

    @cached_property
    def list_key(self) -> tuple[str, ...]:
        """The columns that identify a record of a full list: the list's scope, then the rest of the key."""
        scope = self.full_list.scope if self.full_list else ()
        return (*scope, *(name for name in self.key if name not in scope))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """All columns, in contract order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return one column by name; raise ContractError if the contract has no such column."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(
            f"{self.feed}: expected a column of the contract ({', '.join(self.column_names)}), got {name}; correct the name"
        )

    def option(self, name: str, default: str | int | None = None) -> str | int:
        """Return one option of the connector; raise ContractError if it is missing and has no default."""
        value = dict(self.connector_options).get(name, default)
        if not isinstance(value, str | int):
            raise ContractError(
                f"{self.feed}: connector {self.connector}: expected option {name} as text or a whole number, "
                f"got {'none' if value is None else type(value).__name__}; set it in connectorOptions"
            )
        return value

    def __post_init__(self) -> None:
        names = (self.domain, self.feed.removeprefix(f"{self.domain}."), *self.column_names)
        odd = [name for name in names if not PLAIN_NAME.fullmatch(name)]
        if odd:
            raise ContractError(
                f"{self.feed}: expected names of lower-case letters, digits and _, got {', '.join(odd)}; rename them"
            )
        if not self.key:
            raise ContractError(
                f"{self.feed}: expected a key, got no column with primaryKey: true; mark the key columns"
            )
        if not self.feed.startswith(f"{self.domain}."):
            raise ContractError(
                f"{self.feed}: expected an id of the form {self.domain}.<feed>, got {self.feed!r}; correct the id or the domain"
            )
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
                    f"{self.feed}: expected a version, by which full lists are ordered, got none; set version in customProperties"
                )
            if set(self.key) <= set(self.full_list.scope):
                raise ContractError(
                    f"{self.feed}: expected a scope of fullList that leaves a part of the key, got {', '.join(self.full_list.scope)}; "
                    "a list of one record has nothing to leave out"
                )
        if self.object_column is not None and self.column(self.object_column).classification == "personal":
            raise ContractError(
                f"{self.feed}: expected an object column that is not personal, since objects are shown in the ledger and in marts, "
                f"got {self.object_column}; choose another objectColumn"
            )
        if self.slots.by is not SlotsBy.UNKNOWN and not self.is_refetchable and not self.slots.lost:
            raise ContractError(
                f"{self.feed}: expected a reason why missing slots cannot be fetched again, got none; set `lost` in slots"
            )
        rules = [rule.name for rule in self.rules]
        twice = {name for name in rules if rules.count(name) > 1}
        if twice:
            raise ContractError(
                f"{self.feed}: expected unique rule names, got {', '.join(sorted(twice))} twice; rename one"
            )


def read_contract(path: Path) -> Contract:
    """Read one contract file, again only if it changed; raise ContractError with the file's name and what is wrong in it."""
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int, _size: int) -> Contract:
    """Read a contract file in the state of this time of change and size."""
    try:
        document = OpenDataContractStandard(**yaml.load(path.read_text(encoding="utf-8"), ExactLoader))  # noqa: S506  a safe one
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise ContractError(f"{path.name}: expected a contract of ODCS 3.2, got: {error}; correct the file") from error
    return _contract_of(path, document)


def read_contracts(folder: Path = CONTRACTS) -> dict[str, Contract]:
    """Read every contract below a folder, by feed, in alphabetical order."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*/*.odcs.yaml"))]
    return {contract.feed: contract for contract in contracts}


def find_contract(feed: str, folder: Path = CONTRACTS) -> Contract:
    """Return the contract of a feed, from the file of that name if there is one; raise UnknownNameError naming the feed meant, or all."""
    path = folder / f"{feed.replace('.', '/')}.odcs.yaml"
    if path.is_file() and (contract := read_contract(path)).feed == feed:
        return contract
    contracts = read_contracts(folder)
    if feed not in contracts:
        of_domain = [known for known, contract in contracts.items() if contract.domain == feed]
        hint = f"it is a domain, with the feed{'s' * (len(of_domain) > 1)} {', '.join(of_domain)}" if of_domain else ""
        raise unknown_name(feed, "feed", contracts, hint)
    return contracts[feed]


def _contract_of(path: Path, document: OpenDataContractStandard) -> Contract:
    if not document.schema_ or len(document.schema_) != 1 or not document.schema_[0].properties:
        found = len(document.schema_ or [])
        raise ContractError(
            f"{path.name}: expected one schema object with properties, got {found if found != 1 else 'none in it'}; correct schema"
        )
    table = document.schema_[0]
    properties = table.properties or []
    custom = _custom(document.customProperties)
    levels = {level.property: level for level in document.slaProperties or []}

    def minutes(name: str) -> timedelta:
        if name not in levels:
            raise ContractError(f"{path.name}: expected {name} in slaProperties, got none; add it")
        return timedelta(minutes=float(str(levels[name].value)) * MINUTES[levels[name].unit or "minutes"])

    missing = {"labelVi", "connector", "format", "eventTime", "isRefetchable", "privacyClass", "slots"} - set(custom)
    if missing:
        raise ContractError(
            f"{path.name}: expected {', '.join(sorted(missing))} in customProperties, got none; add them"
        )
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
    """Read the table declaration of a contract with `format: table`; other formats declare nothing."""
    if custom["format"] != TABLE:
        if "table" in custom:
            raise ContractError(
                f"{where}: expected `table` only with `format: {TABLE}`, got it with {custom['format']}; delete one"
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
            f"{path.name}: fullList: expected the scope columns, each once, and files as *.<extension>, got {promised}; correct it"
        )
    return FullList(tuple(map(str, scope)), suffix[1] or "")


def _object_column(custom: dict[str, Any], columns: tuple[Column, ...]) -> str | None:
    """Return the column that identifies the object of a record: `objectColumn`, else the slots' object, else the register's column name."""
    told = custom.get("objectColumn") or dict(custom["slots"]).get("object")
    usual = str(custom.get("expectedObjects") or "").rpartition(".")[2]
    return str(told) if told else usual if usual in {column.name for column in columns} else None


def _column(path: Path, item: SchemaProperty) -> Column:
    if not (item.name and item.logicalType and item.physicalType and item.businessName and item.classification):
        raise ContractError(
            f"{path.name}: column {item.name}: expected logicalType, physicalType, businessName (vi), classification, got fewer; add them"
        )
    if item.classification not in CLASSES or (item.classification == "personal" and item.physicalType != "VARCHAR"):
        raise ContractError(
            f"{path.name}: column {item.name}: expected a classification of {', '.join(CLASSES)}, and VARCHAR if personal, "
            f"got {item.classification} {item.physicalType}; correct the column"
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
    """Translate a date pattern of the standard (`dd/MM/yyyy`) to that of `strptime` and polars (`%d/%m/%Y`)."""
    return re.sub("|".join(DATE_PARTS), lambda part: DATE_PARTS[part[0]], pattern)


def _timestamp_format(where: str, logical_type: str, promised: object) -> str | None:
    """Return the format of a timestamp, or of the dates in a text; raise ContractError if it cannot be parsed with."""
    if logical_type not in ("timestamp", "string") or promised is None:
        return None
    form = str(promised)
    parts = re.findall("[A-Za-z]+", "" if form == ISO else form)
    split = [part for run in parts for part in re.findall("|".join(DATE_PARTS), run)]
    if "".join(split) != "".join(parts) or len(set(split)) != len(split):
        raise ContractError(
            f"{where}: expected a format of {', '.join(DATE_PARTS)}, each at most once, got {form}; correct it"
        )
    if logical_type == "string" and (not form.isalpha() or not {"yyyy", "MM", "dd"} <= set(split)):
        raise ContractError(
            f"{where}: expected a date format of digits only for text (yyyyMMdd, yyyyMMddHHmm …), got {form}; correct it"
        )
    return form


def _reference(path: Path, item: SchemaProperty) -> str | None:
    targets = [relationship.to for relationship in item.relationships or []]
    if not targets:
        return None
    if len(targets) > 1 or not isinstance(targets[0], str) or targets[0].count(".") != 1:
        raise ContractError(
            f"{path.name}: column {item.name}: expected one relationship to <seed>.<column>, got {targets}; correct it"
        )
    return targets[0]


def _rules(path: Path, items: list[DataQuality]) -> Iterator[Rule]:
    for item in items:
        custom = _custom(item.customProperties)
        if not (item.name and isinstance(item.implementation, str) and "errorGroup" in custom):
            raise ContractError(
                f"{path.name}: rule {item.name}: expected a name, an implementation and an errorGroup, got fewer; add them"
            )
        if int(custom["errorGroup"]) not in AXIS_OF_ERROR_GROUP or item.severity not in ("error", "warning"):
            raise ContractError(
                f"{path.name}: rule {item.name}: expected errorGroup 1 to 8 and severity error or warning, "
                f"got {custom['errorGroup']} and {item.severity}; correct them"
            )
        if "::" in item.implementation:
            raise ContractError(
                f"{path.name}: rule {item.name}: expected cast(… as …), got `::`; write the cast in full"
            )
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
