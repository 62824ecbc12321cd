"""The unknown members of the objects of a delivery.

Decoding every object once more would cost a tenth of a load, so only the first SAMPLED objects of each delivery are looked at, and every
SAMPLED-th one after them: a member that fewer than one object in twenty carries can go unseen. Only a report depends on it.
"""

from collections.abc import Collection, Mapping
from xml.etree.ElementTree import ParseError

import msgspec
import polars as pl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingestion.formats.base import Shape
from ingestion.formats.documents import local_name

SAMPLED = 20
POSITION = pl.col("_position")


def member_shapes(pieces: pl.DataFrame, members: Mapping[str, str], known: Collection[str]) -> dict[int, Shape]:
    """Return the shape of each delivery among pieces of JSON or XML; `members` are the expected names, `known` are not reported either."""
    expected = {*members.values(), *known}
    unknown: dict[int, dict[str, None]] = {
        int(number): {} for number in pieces["_delivery"].unique(maintain_order=True)
    }
    sample = pieces.filter((POSITION <= SAMPLED) | (POSITION % SAMPLED == 0))
    for number, raw in sample.select("_delivery", "_raw").iter_rows():
        unknown[number].update(dict.fromkeys(name for name in _names_of(raw) if name not in expected))
    return {number: Shape(unknown=tuple(names), members=members) for number, names in unknown.items()}


def _names_of(raw: str) -> Collection[str]:
    try:
        if raw.startswith("<"):
            return [local_name(child) for child in fromstring(raw, forbid_dtd=True)]
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeEncodeError, ParseError, DefusedXmlException, ValueError, RecursionError):
        return ()
