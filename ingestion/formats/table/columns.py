"""From the parsed record to the contract's columns: plain paths, and the SQL that the contract declares for the others.

DuckDB does it, in an instance of its own without access to files: a contract's SQL reads records and nothing else. One
thread is fastest: a second one doubles the processor time, and a load already reads and writes in parallel. Numbers in another
notation than ours (`1.250,5`) are rewritten as declared; anything else is left in a form that fails its cast.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.lines import as_unreadable
from ingestion.formats.table.paths import quoted, sql_of

NUMBERS = ("DOUBLE", "DECIMAL(18,2)", "INTEGER", "BIGINT")


def read_columns(
    frame: pl.DataFrame, records: str, form: Form, contract: Contract, further: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Return `is_read`, `refused` (a reason, or null) and the contract's columns as text, one row for each row of the frame.

    `records` is SQL over the frame's columns that yields `record`, null if there is none, and `document` if the form has one; `further`
    is SQL by name over the result, for columns beside the contract's.
    """
    texts = column_texts(form)
    shown = ", ".join(f"nullif({texts[name]}, '') as {quoted(name)}" for name in contract.column_names)
    beside = "".join(f", {sql} as {quoted(name)}" for name, sql in (further or {}).items())
    steps = "".join(f", {sql} as {quoted(name)}" for name, sql in form.let.items())
    reason = "".join(f"when {sql} then '{name}' " for name, sql in form.refuse.items())
    with duckdb.connect(config={"threads": 1, "enable_external_access": "false"}) as connection:
        connection.register("frame", frame)
        query = f"""
            with records as ({records} from frame), steps as (select *{steps} from records)
            select record is not null as is_read, case {reason or "when false then ''"} end as refused, {shown}{beside} from steps
        """  # noqa: S608  names and SQL of a contract
        read = connection.execute(query).pl()
    return read.with_columns(_rewritten(form, contract))


def part_by_reason(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into records of one piece each, where `reason` is null, and UNREADABLE_SCHEMA."""
    records = rows.filter(pl.col("reason").is_null()).select(
        "_delivery", "_position", "_raw", pl.lit(1, dtype=pl.Int64).alias("_record_count"), *contract.column_names
    )
    return records, as_unreadable(rows.filter(pl.col("reason").is_not_null()))


def column_texts(form: Form) -> dict[str, str]:
    """Write each column of a form as SQL over `record`, its text."""
    plain = {name: f"({sql_of(path)})::varchar" for name, path in form.columns.items()}
    return plain | {name: f"({sql})::varchar" for name, sql in form.derived.items()}


def _rewritten(form: Form, contract: Contract) -> Sequence[pl.Expr]:
    """Write numbers with a decimal point and without thousands marks."""
    decimal, thousands = form.decimal_mark, form.thousands_mark
    if decimal == "." and thousands is None:
        return ()
    whole = rf"(?:\d{{1,3}}(?:{_escaped(thousands)}\d{{3}})+|\d+)" if thousands else r"\d+"
    number = rf"^[+-]?{whole}(?:{_escaped(decimal)}\d+)?$"
    rewritten = []
    for column in contract.columns:
        if column.physical_type in NUMBERS and column.name in form.columns:
            text = pl.col(column.name).str.strip_chars()
            bare = text.str.replace_all(thousands, "", literal=True) if thousands else text
            plain = bare.str.replace_all(decimal, ".", literal=True)
            as_sent = pl.concat_str(text, pl.lit(" ?"))  # which no cast reads
            rewritten.append(pl.when(text.str.contains(number)).then(plain).otherwise(as_sent).alias(column.name))
    return rewritten


def _escaped(mark: str | None) -> str:
    return f"[{mark}]" if mark not in ("^", "\\", "]") else f"\\{mark}"
