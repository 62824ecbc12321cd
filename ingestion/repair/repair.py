"""The named repairs: what can be done to a quarantined record without an editor.

A repair works on a record as its format read it, before it is cast to the contract's types, so that it need not know any wire format; only
`decode_tcvn3` without a column works on the raw text, which could not be read at all. None of them decides that a record is good: the
replay checks it like any other. A value that a repair does not apply to stays as it is.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import ClassVar

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.contract import Contract
from core.errors import ConfigurationError, UnknownNameError
from core.reference import Reference
from core.text import decode_escaped_tcvn3, decode_misread_tcvn3

LARGEST_EXPONENT = 30
"""A number beyond 10 to this power is not a measurement, and is not converted."""


class NamedRepair(BaseModel):
    """A repair with its arguments. `takes_whole` says that it also applies to a delivery that could not be read at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    takes_whole: ClassVar[bool] = False

    def columns(self) -> tuple[str, ...]:
        """Return the contract's columns that the repair touches."""
        return ()

    def require(self, contract: Contract, reference: Reference) -> None:  # noqa: ARG002  for those that look up
        """Raise ContractError if the feed has no such column, ConfigurationError if the reference lists do not suffice."""
        for column in self.columns():
            contract.column(column)

    def mend_text(self, raw: str) -> str | None:  # noqa: ARG002  most repairs leave the raw text alone
        """Return the text to read instead of a record's raw text, or None."""
        return None

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:  # noqa: ARG002  for those that look up
        """Return the records, as their format read them, with the repair applied; unchanged if it does not apply."""
        return records


class AsIs(NamedRepair):
    """Change nothing: the contract or a reference list was corrected since, or the whole delivery can be read now."""

    name = "as_is"
    takes_whole = True


class PadCode(NamedRepair):
    """Put zeros before a code until it has `width` characters: `4828` becomes `04828`."""

    name = "pad_code"
    column: str
    width: int = Field(ge=1, le=40)

    def columns(self) -> tuple[str, ...]:
        """Return the code's column."""
        return (self.column,)

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:  # noqa: ARG002
        """Pad codes made of digits; anything else stays."""
        code = pl.col(self.column).cast(pl.String).str.strip_chars()
        padded = pl.when(code.str.contains(r"^\d+$")).then(code.str.zfill(self.width)).otherwise(pl.col(self.column))
        return records.with_columns(padded.alias(self.column))


class DecodeTcvn3(NamedRepair):
    """Read text as TCVN3 (ABC fonts): the whole record if its bytes were not UTF-8, or one column that was read as Latin-1."""

    name = "decode_tcvn3"
    column: str | None = None

    def columns(self) -> tuple[str, ...]:
        """Return the column, if one was named."""
        return () if self.column is None else (self.column,)

    def mend_text(self, raw: str) -> str | None:
        """Decode the raw text, unless a column was named."""
        return decode_escaped_tcvn3(raw) if self.column is None else None

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:  # noqa: ARG002
        """Decode the column, if one was named."""
        return records if self.column is None else _each(records, self.column, decode_misread_tcvn3)


class SwapCoordinates(NamedRepair):
    """Exchange latitude and longitude."""

    name = "swap_coordinates"
    latitude: str = "latitude"
    longitude: str = "longitude"

    def columns(self) -> tuple[str, ...]:
        """Return both columns."""
        return (self.latitude, self.longitude)

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:  # noqa: ARG002
        """Exchange both columns in every record."""
        return records.with_columns(
            pl.col(self.longitude).alias(self.latitude), pl.col(self.latitude).alias(self.longitude)
        )


class MapCommune(NamedRepair):
    """Replace a commune from before 1 July 2025 by its successor (seed `commune_replacements`).

    A commune that was split has no single successor: its code stays, and the record in quarantine.
    """

    name = "map_commune"
    column: str = "commune_code"

    def columns(self) -> tuple[str, ...]:
        """Return the code's column."""
        return (self.column,)

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:
        """Map the codes that have exactly one successor."""
        rows = reference.list_of("commune_replacements").select("old_commune_code", "new_commune_code").rows()
        targets = Counter(old for old, _ in rows)
        successor = {old: new for old, new in rows if targets[old] == 1}
        return _each(records, self.column, lambda code: successor.get(code.strip(), code))


class ConvertUnit(NamedRepair):
    """Multiply a value by a factor, and write the unit it then has.

    With `unit_column`, only values in `from_unit` are converted. Without a factor, that of the seed `units` is used. Numbers are
    multiplied as decimals: 0.0624 mg is 62.4 µg and not 62.400000000000006.
    """

    name = "convert_unit"
    column: str
    unit_column: str | None = None
    from_unit: str | None = None
    to_unit: str | None = None
    factor: Decimal | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _is_told_what_to_do(self) -> "ConvertUnit":
        if (self.factor is None or self.unit_column is not None) and None in (self.from_unit, self.to_unit):
            raise ValueError("from_unit and to_unit are needed, or a factor without a unit_column")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the value's column, and the unit's."""
        return (self.column,) if self.unit_column is None else (self.column, self.unit_column)

    def require(self, contract: Contract, reference: Reference) -> None:
        """Also raise ConfigurationError if neither a factor nor the seed `units` says what to multiply by."""
        super().require(contract, reference)
        self._factor(reference)

    def mend(self, records: pl.DataFrame, reference: Reference) -> pl.DataFrame:
        """Convert the values; anything but a number stays, and is refused by its format again."""
        factor = self._factor(reference)
        converted = _each(records, self.column, lambda text: _times(text, factor))
        if self.unit_column is None:
            return converted
        is_meant = pl.col(self.unit_column).str.strip_chars() == self.from_unit
        return records.with_columns(
            pl.when(is_meant).then(converted[self.column]).otherwise(pl.col(self.column).cast(pl.String)).alias(self.column),
            pl.when(is_meant).then(pl.lit(self.to_unit)).otherwise(pl.col(self.unit_column)).alias(self.unit_column),
        )  # fmt: skip

    def _factor(self, reference: Reference) -> Decimal:
        if self.factor is not None:
            return self.factor
        known = {unit: (base, factor) for unit, base, factor in reference.list_of("units").rows()}
        base, factor = known.get(str(self.from_unit), (None, 1))
        other_base, other_factor = known.get(str(self.to_unit), ("", 1))
        if base != other_base:
            raise ConfigurationError(
                f"convert_unit: expected two units of one kind in units.csv, got {self.from_unit} and {self.to_unit}; "
                "name a factor"
            )
        return Decimal(str(factor)) / Decimal(str(other_factor))


class Resent(NamedRepair):
    """Close records that the agency sent again, correctly, as duplicates: `resent_in` is the delivery that brought them."""

    name = "resent"
    takes_whole = True
    resent_in: str = Field(min_length=1)


class Withdraw(NamedRepair):
    """The whole delivery should never have been landed: nothing of it counts any more (`ingestion/repair/withdrawal.py`)."""

    name = "withdraw"
    takes_whole = True


REPAIRS: dict[str, type[NamedRepair]] = {
    repair.name: repair
    for repair in (AsIs, PadCode, DecodeTcvn3, SwapCoordinates, MapCommune, ConvertUnit, Resent, Withdraw)
}


def make_repair(name: str, arguments: Mapping[str, object]) -> NamedRepair:
    """Return the repair with this name; raise UnknownNameError, or ConfigurationError if its arguments do not fit."""
    if name not in REPAIRS:
        raise UnknownNameError(
            f"{name}: expected a repair of {', '.join(REPAIRS)}, got {name}; name one of them", repair=name
        )
    try:
        return REPAIRS[name].model_validate(dict(arguments))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or name}: {one['msg']}" for one in error.errors())
        expected = ", ".join(REPAIRS[name].model_fields) or "no arguments"
        raise ConfigurationError(
            f"{name}: expected {expected}, got {', '.join(arguments) or 'none'} ({wrong}); correct the arguments"
        ) from error


def _each(records: pl.DataFrame, column: str, mend: Callable[[str], str]) -> pl.DataFrame:
    """Apply a function to every present value of a column, as text; repairs are few, so that speed does not matter."""
    values = records[column].cast(pl.String)
    return records.with_columns(
        pl.Series(column, [None if value is None else mend(value) for value in values], dtype=pl.String)
    )


def _times(text: str, factor: Decimal) -> str:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        return text
    product = format(number * factor, "f")
    return product.rstrip("0").removesuffix(".") if "." in product else product
