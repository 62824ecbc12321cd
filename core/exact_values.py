"""Read the bounds and enums of a contract exactly, or refuse them: 9007199254740993 must not become 9007199254740992 on the way.

YAML reads integers exactly but other numbers as floats, and unquoted codes as numbers or booleans (`01` is 1, `no` is false). So contract
files are read with decimals as decimals, and every bound and enum entry must be a value of its column's own type.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import yaml

from core.errors import ContractError

WHOLE = {"INTEGER": 31, "BIGINT": 63}
"""Integer types, and their number of bits without the sign."""

DECIMAL, DOUBLE, TEXT = "DECIMAL(18,2)", "DOUBLE", "VARCHAR"
DECIMAL_LIMIT = Decimal(10) ** 16
CENT = Decimal("0.01")
FLOAT_TAG = "tag:yaml.org,2002:float"

Number = int | Decimal


class ExactLoader(yaml.CSafeLoader):
    """A YAML loader that reads decimals as decimals, digit for digit."""


def _read_decimal(loader: ExactLoader, node: yaml.ScalarNode) -> Decimal | float:
    try:
        return Decimal(str(node.value).replace("_", ""))
    except InvalidOperation:  # .inf, .nan
        return float(loader.construct_yaml_float(node))


ExactLoader.add_constructor(FLOAT_TAG, _read_decimal)


def read_bound(where: str, physical_type: str, value: object) -> Number | None:
    """Return a column's minimum or maximum, None if not set; raise ContractError if the column's type cannot hold it exactly."""
    if value is None:
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if (
            physical_type in WHOLE
            and isinstance(value, int)
            and -(2 ** WHOLE[physical_type]) <= value < 2 ** WHOLE[physical_type]
        ):
            return value
        if physical_type == DECIMAL and _is_decimal(Decimal(value)):
            return value
        if physical_type == DOUBLE and (isinstance(value, Decimal) or int(float(value)) == value):
            return value
    raise ContractError(
        f"{where}: expected a bound that {physical_type} holds exactly, got {value!r}; change the bound or the type"
    )


def require_order(where: str, minimum: Number | None, maximum: Number | None) -> None:
    """Raise ContractError if the minimum is above the maximum."""
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ContractError(
            f"{where}: expected a minimum at or below the maximum, got {minimum} and {maximum}; correct one"
        )


def read_allowed(where: str, physical_type: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return the entries of an enum as text; raise ContractError for an entry not written as the column's type writes its values."""
    return tuple(_read_entry(where, physical_type, value) for value in values)


def allowed_values(physical_type: str, allowed: Iterable[str]) -> list[str] | list[int] | list[Decimal]:
    """Return the entries of an enum as values of the column's type."""
    if physical_type in WHOLE:
        return [int(text) for text in allowed]
    if physical_type == DECIMAL:
        return [Decimal(text) for text in allowed]
    return list(allowed)


def _read_entry(where: str, physical_type: str, value: object) -> str:
    if physical_type == TEXT:
        if isinstance(value, str):
            return value
        raise ContractError(f"{where}: expected an enum of text, got {value!r}; put it in quotes")
    try:
        if physical_type in WHOLE and isinstance(value, int | str) and str(int(value)) == str(value):
            read_bound(where, physical_type, int(value))
            return str(value)
        if physical_type == DECIMAL and not isinstance(value, bool | float) and _is_decimal(Decimal(str(value))):
            return str(Decimal(str(value)))
    except (ValueError, InvalidOperation, ContractError):
        pass
    kinds = ", ".join((TEXT, *WHOLE, DECIMAL))
    raise ContractError(
        f"{where}: expected an enum of values that {physical_type} holds exactly ({kinds} can have an enum), got {value!r}; correct it"
    )


def _is_decimal(value: Decimal) -> bool:
    return value.is_finite() and abs(value) < DECIMAL_LIMIT and value == value.quantize(CENT)
