"""What becomes of personal values on their way into bronze.

A column's class in its contract decides, and nothing else does:

* `open`, `internal`: as sent;
* `restricted`: free text and addresses; telephone numbers, long numbers and mail addresses in it are masked, and it never leaves bronze;
* `personal`: what names a person (citizen number, telephone, plate, insurance number, name); a keyed hash (HMAC-SHA-256, 64 hexadecimal
  digits) stands for it, the same one wherever the same value comes, so that records of one person can be joined and nobody can be
  named. It stays out of the marts.

The clear value stays where the agency's bytes stay: in landing, and in the raw text of quarantined records, which only the pipeline's
identity can read. Checks run before this step, on what was sent.
"""

import polars as pl
import polars_hash as plh

from ingestion.contract import Contract

LONG_NUMBER = r"\+?\d(?:[ .-]?\d){8,14}"
"""Nine to fifteen digits, as people write them: telephone, citizen, insurance and account numbers."""

MAIL_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
MASK = "***"


def protect(rows: pl.DataFrame, contract: Contract, key: str) -> pl.DataFrame:
    """Put hashes in the place of personal values and mask restricted texts; `rows` holds the contract's typed columns."""
    hashed = [column.name for column in contract.columns if column.classification == "personal"]
    masked = [
        column.name
        for column in contract.columns
        if column.classification == "restricted" and rows.schema[column.name] == pl.String
    ]
    return rows.with_columns(
        *(plh.col(name).chash.hmac_sha256(key=key) for name in hashed),
        *(pl.col(name).str.replace_all(f"{MAIL_ADDRESS}|{LONG_NUMBER}", MASK) for name in masked),
    )
