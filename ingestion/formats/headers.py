"""Header rows as people write them, matched with the expected names, and a remark on what was not exact.

A name is found by, in this order: its exact text (NFC, spaces collapsed), its key (no case, no accents, no signs), and similarity
(`preferedGivenName` means `preferredGivenName`), if only one free name is similar. The remark says what was taken for what and
which columns are unknown; it becomes the reason under which the header row is counted as skipped, so that the ledger of a delivery
shows how its header was read.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

LIKENESS = 0.9
"""From this share of common characters on (difflib's ratio) two keys are the same word, misspelt."""

REMARK_LIMIT = 300
NAME_LIMIT = 40
HEADER = "header"


@dataclass(frozen=True)
class Matched:
    """The places of the expected names, the unknown names, and a remark: `header` if all was exact.

    `twice` are expected names that were found at two places: it is not known which of the columns is meant.
    """

    places: dict[str, int]
    remark: str
    unknown: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()


def plain(name: str) -> str:
    """Return a name in NFC with single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def key_of(name: str) -> str:
    """Return what the spellings of a name share: small letters without accents, and digits."""
    bare = unicodedata.normalize("NFD", plain(name).casefold().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]", "", "".join(sign for sign in bare if not unicodedata.combining(sign)))


def match_header(cells: Sequence[str], expected: Mapping[str, str], known: Collection[str] = ()) -> Matched:
    """Find expected columns (name to its text on the wire) in the cells of a row; `known` are texts that are found but not returned."""
    texts = [plain(cell) for cell in cells]
    keys = [key_of(text) for text in texts]
    wires = [*expected.items(), *((None, text) for text in known)]
    places: dict[int, int] = {}
    tolerated: list[str] = []
    for index, (_, wire) in enumerate(wires):
        if plain(wire) in texts:
            places[index] = texts.index(plain(wire))
    for index, (_, wire) in enumerate(wires):
        free = [place for place, key in enumerate(keys) if key and place not in places.values()]
        if index not in places and (found := _alike(key_of(wire), keys, free)) is not None:
            places[index] = found
            tolerated.append(f"{texts[found][:NAME_LIMIT]} as {wire}")
    accepted = {key_of(text) for text in known}
    others = [text for place, text in enumerate(texts) if text and place not in places.values()]
    unknown = tuple(text[:NAME_LIMIT] for text in dict.fromkeys(others) if key_of(text) not in accepted)
    remarks = [f"taken {', '.join(tolerated)}"] if tolerated else []
    remarks += [f"unknown {', '.join(unknown)}"] if unknown else []
    folded = [text.casefold() for text in texts]
    found_at = {name: places[index] for index, (name, _) in enumerate(wires) if name is not None and index in places}
    twice = tuple(
        wire for name, wire in expected.items() if name in found_at and folded.count(folded[found_at[name]]) > 1
    )
    remark = f"{HEADER}: {'; '.join(remarks)}"[:REMARK_LIMIT] if remarks else HEADER
    return Matched(found_at, remark, unknown, twice)


def _alike(key: str, keys: list[str], free: list[int]) -> int | None:
    same = [index for index in free if keys[index] == key]
    if same:
        return same[0]
    close = get_close_matches(key, [keys[index] for index in free], n=2, cutoff=LIKENESS)
    return next(index for index in free if keys[index] == close[0]) if len(close) == 1 else None
