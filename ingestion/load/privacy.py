"""What happens to personal values on their way into bronze.

A column's classification in its contract decides, and nothing else does:

* `open`, `internal`: as sent;
* `restricted`: free text and addresses; telephone numbers, long numbers and mail addresses in it are masked, and so are the record's own
  personal values (the abstract of a dossier names its applicant); it may name other people, so it never leaves bronze;
* `personal`: what names a person (citizen number, telephone, plate, insurance number, name); it is replaced by a keyed hash (HMAC-SHA-256,
  64 hexadecimal digits), the same one for the same value everywhere, so that records of one person can be joined and nobody can be
  named. It stays out of the marts.

The clear value stays where the agency's bytes are: in landing, and in the raw text of quarantined records, which only the pipeline's
identity can read. Checks run before this step, on what was sent.
"""

import unicodedata
from collections.abc import Iterable, Sequence

import polars as pl
import polars_hash as plh

from core.contract import Contract

LONG_NUMBER = r"\+?\d(?:[ .-]?\d){8,14}"
"""Nine to fifteen digits, as people write them: telephone, citizen, insurance and account numbers."""

MAIL_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
MASK = "***"

SHOWN = ("open", "internal")
"""Classifications of columns whose values may appear on a screen or in a mart."""

BARE = {
    code: ord({"đ": "d"}.get(small, small))
    for code in (*range(0x41, 0x250), *range(0x1E00, 0x1F00))
    if (small := unicodedata.normalize("NFD", chr(code))[0].lower()) and len(small) == 1
}
"""Latin letters as small letters without marks; a text keeps its length."""


def protect(rows: pl.DataFrame, contract: Contract, key: str) -> pl.DataFrame:
    """Replace personal values by hashes and mask restricted texts; `rows` holds the contract's typed columns."""
    hashed = [column.name for column in contract.columns if column.classification == "personal"]
    masked = [
        column.name
        for column in contract.columns
        if column.classification == "restricted" and rows.schema[column.name] == pl.String
    ]
    numbers = rows.select(pl.col(masked).str.replace_all(f"{MAIL_ADDRESS}|{LONG_NUMBER}", MASK))
    return rows.with_columns(
        *(plh.col(name).chash.hmac_sha256(key=key) for name in hashed),
        *(_without_own(texts, [rows[name] for name in hashed]) for texts in numbers),
    )


def protect_list_keys(rows: pl.DataFrame, contract: Contract, key: str) -> pl.DataFrame:
    """Replace personal values in `list_key` by the hashes that bronze holds."""
    if contract.full_list is None:
        return rows
    values = [
        plh.col("value").chash.hmac_sha256(key=key)
        if contract.column(name).classification == "personal"
        else pl.col("value")
        for name in contract.list_key
    ]
    parts = [
        rows.select(pl.col("list_key").list.get(place).alias("value")).select(value.alias(str(place)))
        for place, value in enumerate(values)
    ]
    hashed = pl.concat(parts, how="horizontal").select(pl.concat_list(pl.all()).alias("list_key"))["list_key"]
    return rows.with_columns(hashed)


def _without_own(texts: pl.Series, columns: Sequence[pl.Series]) -> pl.Series:
    """Return texts with the personal values of the same record masked, in any case.

    In a text without marks they are also masked without their marks: `NGUYEN VAN AN` for `Nguyễn Văn An`.
    """
    told = [column for column in columns if column.null_count() < len(column)]
    if not told or texts.null_count() == len(texts):
        return texts
    owned = zip(*told, strict=True)
    masked = [text and _without(text, own) for text, own in zip(texts, owned, strict=True)]
    return pl.Series(texts.name, masked, dtype=pl.String)


def _without(text: str, values: Iterable[str | None]) -> str:
    small = text.lower()
    has_marks = not text.isascii() and len(small) == len(text)
    sought_in = small if has_marks else text.translate(BARE)
    for value in values:
        sought = (value or "").lower() if has_marks else (value or "").translate(BARE)
        if len(sought) < 2 or sought not in sought_in:
            continue
        start = -1
        while (start := sought_in.find(sought, start + 1)) >= 0:
            end = start + len(sought)
            if not sought_in[max(start - 1, 0) : start].isalnum() and not sought_in[end : end + 1].isalnum():
                text, sought_in = (f"{one[:start]}{MASK}{one[end:]}" for one in (text, sought_in))
    return text
