"""Whether a contract may carry its version: what changed since it was released, and how far the version must rise for that.

The released shapes are in `contracts/released.json`, a generated file that is committed, so that a clone without history can compare.
A change that breaks a reader or a sender (a column gone, renamed, of another type or unit, newly required; another key, version or event
time; a narrower enum, range or pattern; a stricter rule; a form of a table that is gone or read differently; a looser privacy class) needs
a new major version; one that breaks nobody (an optional column, a further form, a wider enum, a label, a freshness limit) a minor one.
`ioc contracts generate` writes the file again, and only if every version has risen as it must: generating never excuses a breaking
change. Descriptions may change freely.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any

from core.contract import CLASSES, Contract
from core.errors import ContractError
from core.settings import PROJECT
from core.table_forms import Container, Form

RELEASED = Path("contracts") / "released.json"
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
FREE = ("description",)
"""Facts of a column that may change freely."""

UNSAID: Mapping[str, Any] = json.loads(json.dumps(asdict(Form(Container.CSV))))
"""What a form says by saying nothing: the facts of a form that was released before they could be declared."""

Shape = dict[str, Any]
"""What a contract guarantees, as JSON holds it."""


class Rise(IntEnum):
    """How far a version must rise."""

    NONE = 0
    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True)
class Difference:
    """One guarantee that changed: what it was, what it is, and how far the version must rise for it."""

    what: str
    before: object
    after: object
    rise: Rise

    def told(self) -> str:
        """Return both sides in words."""
        return f"{self.what} was {_words(self.before)}, is {_words(self.after)}"


def shape_of(contract: Contract) -> Shape:
    """Return what a contract guarantees to readers and senders."""
    columns = {
        column.name: {name: value for name, value in asdict(column).items() if name not in ("name", *FREE)}
        for column in contract.columns
    }
    shape = {
        "version": contract.contract_version,
        "format": contract.format,
        "forms": {_name_of(form): asdict(form) for form in contract.forms},
        "event_time": contract.event_time,
        "version_column": contract.version,
        "key": contract.key,
        "full_list": [*contract.full_list.scope, f"*{contract.full_list.suffix}"] if contract.full_list else None,
        "label_vi": contract.label_vi,
        "cadence_minutes": contract.cadence.total_seconds() / 60,
        "freshness_minutes": contract.freshness.total_seconds() / 60,
        "freshness_limit_minutes": contract.freshness_limit.total_seconds() / 60,
        "privacy_class": contract.privacy_class,
        "columns": columns,
        "rules": {
            rule.name: {"is_blocking": rule.is_blocking, "expression": rule.expression} for rule in contract.rules
        },
    }
    plain: Shape = json.loads(json.dumps(shape, default=str))  # a decimal is written digit for digit
    return plain


def differences(before: Shape, after: Shape) -> list[Difference]:
    """Return what changed between two shapes of a contract."""
    return [
        *_of_the_feed(before, after),
        *_of_forms(before.get("forms", {}), after["forms"]),
        *_of_columns(before["columns"], after["columns"]),
        *_of_rules(before["rules"], after["rules"]),
    ]


def require_compatible(contracts: Mapping[str, Contract], released: Mapping[str, Shape]) -> None:
    """Raise ContractError naming every contract whose version has not risen as its changes need, and the version it needs."""
    wrong = [complaint for contract in contracts.values() if (complaint := _complaint(contract, released))]
    wrong += [
        f"{feed}: expected its contract, released as {shape['version']}, got none; put it back, or say "
        f"`ioc contracts generate --retire {feed}`"
        for feed, shape in released.items()
        if feed not in contracts
    ]
    if wrong:
        raise ContractError("\n".join(wrong))


def read_released(project: Path = PROJECT) -> dict[str, Shape]:
    """Return the released shapes by feed; none if the file does not exist."""
    path = project / RELEASED
    shapes: dict[str, Shape] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return shapes


def released_text(contracts: Mapping[str, Contract]) -> str:
    """Write the file of released shapes, a line per column and rule; call `require_compatible` first."""
    feeds = []
    for feed, contract in contracts.items():
        facts = [
            f'  "{name}": ' + (_lines(value) if isinstance(value, dict) else json.dumps(value, ensure_ascii=False))
            for name, value in shape_of(contract).items()
        ]
        feeds.append(f' "{feed}": {{\n' + ",\n".join(facts) + "\n }")
    return "{\n" + ",\n".join(feeds) + "\n}\n"


def _lines(entries: Mapping[str, object]) -> str:
    lines = [
        f"   {json.dumps(name, ensure_ascii=False)}: {json.dumps(entry, ensure_ascii=False)}"
        for name, entry in entries.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"


def _complaint(contract: Contract, released: Mapping[str, Shape]) -> str | None:
    now = parts_of(contract.feed, contract.contract_version)
    before = released.get(contract.feed)
    if before is None:
        return None
    then = parts_of(contract.feed, before["version"])
    found = differences(before, shape_of(contract))
    rise = max((difference.rise for difference in found), default=Rise.NONE)
    needed = {Rise.NONE: then, Rise.MINOR: (then[0], then[1] + 1, 0), Rise.MAJOR: (then[0] + 1, 0, 0)}[rise]
    if now >= needed:
        return None
    told = "; ".join(difference.told() for difference in sorted(found, key=lambda one: -one.rise))
    kind = {Rise.NONE: "nothing changed", Rise.MINOR: "compatible", Rise.MAJOR: "breaking"}[rise]
    return (
        f"{contract.feed}: released as {before['version']}, comes as {contract.contract_version} with a change that is {kind}: "
        f"{told or 'the version fell'}; make it version {'.'.join(map(str, needed))}, or take the change back"
    )


def parts_of(feed: str, version: str) -> tuple[int, int, int]:
    """Return major, minor and patch of a version; raise ContractError for another form."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise ContractError(
            f"{feed}: expected a version major.minor.patch, got {version or 'none'}; correct the contract"
        )
    return int(found[1]), int(found[2]), int(found[3])


def _of_the_feed(before: Shape, after: Shape) -> Iterator[Difference]:
    breaking = ("format", "event_time", "version_column", "key")
    for name in before.keys() - {"version", "forms", "columns", "rules"}:
        if before[name] != after.get(name):
            rise = Rise.MAJOR if name in breaking else Rise.MINOR
            if name == "privacy_class":
                rise = _rise_of_class(before[name], after.get(name))
            yield Difference(name.replace("_", " "), before[name], after.get(name), rise)


def _name_of(form: Form) -> str:
    return f"{form.container}, {form.when}" if form.when else str(form.container)


def _of_forms(before: Mapping[str, Shape], after: Mapping[str, Shape]) -> Iterator[Difference]:
    for name in {**before, **after}:
        if name not in before or name not in after:
            is_new = name not in before
            yield Difference(
                f"form {name}", None if is_new else name, name if is_new else None, Rise.MINOR if is_new else Rise.MAJOR
            )
            continue
        for fact in after[name]:
            was, now = before[name].get(fact, UNSAID[fact]), after[name][fact]
            if was != now:
                yield Difference(
                    f"{fact} of form {name}", was, now, Rise.MINOR if fact in ("known", "item") else Rise.MAJOR
                )


def _of_columns(before: Mapping[str, Shape], after: Mapping[str, Shape]) -> Iterator[Difference]:
    gone, new = [name for name in before if name not in after], [name for name in after if name not in before]
    for name in gone:
        heirs = [other for other in new if after[other]["wire_name"] == before[name]["wire_name"]]
        yield Difference(f"column {name}", name, f"{heirs[0]} (renamed)" if heirs else None, Rise.MAJOR)
    for name in new:
        is_required = after[name]["is_required"]
        kind = f"{'required' if is_required else 'optional'} {after[name]['physical_type']}"
        yield Difference(f"column {name}", None, kind, Rise.MAJOR if is_required else Rise.MINOR)
    for name in before:
        if name in after:
            for fact in before[name]:
                if before[name][fact] != after[name].get(fact):
                    was, now = before[name][fact], after[name].get(fact)
                    yield Difference(f"{fact.replace('_', ' ')} of {name}", was, now, _rise_of_fact(fact, was, now))


def _rise_of_fact(fact: str, was: Any, now: Any) -> Rise:
    """Judge one fact of a column: wider is minor, narrower major; anything else is major, except labels."""
    if fact in ("label_vi", "is_identifier"):
        return Rise.MINOR
    if fact == "is_required":
        return Rise.MAJOR if now else Rise.MINOR
    if fact == "classification":
        return _rise_of_class(was, now)
    if fact == "allowed":
        return Rise.MINOR if not now or (was and set(was) <= set(now)) else Rise.MAJOR
    if fact in ("minimum", "maximum"):
        is_wider = now is None or (was is not None and _is_wider(fact, Decimal(str(was)), Decimal(str(now))))
        return Rise.MINOR if is_wider else Rise.MAJOR
    if fact in ("pattern", "reference"):
        return Rise.MINOR if now is None else Rise.MAJOR
    return Rise.MAJOR


def _is_wider(fact: str, was: Decimal, now: Decimal) -> bool:
    return now < was if fact == "minimum" else now > was


def _rise_of_class(was: Any, now: Any) -> Rise:
    """Judge a change of class: a looser class shows what was hidden, and hashing changes values. Only a tighter class is minor."""
    is_looser = CLASSES.index(now) < CLASSES.index(was) if {was, now} <= set(CLASSES) else True
    return Rise.MAJOR if is_looser or now == "personal" else Rise.MINOR


def _of_rules(before: Mapping[str, Shape], after: Mapping[str, Shape]) -> Iterator[Difference]:
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = before.get(name), after.get(name)
        if was != now:
            is_stricter = now is not None and now["is_blocking"]
            yield Difference(f"rule {name}", _rule(was), _rule(now), Rise.MAJOR if is_stricter else Rise.MINOR)


def _rule(rule: Shape | None) -> str | None:
    return f"{'error' if rule['is_blocking'] else 'warning'} {rule['expression']}" if rule else None


def _words(value: object) -> str:
    if value is None or value == []:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
