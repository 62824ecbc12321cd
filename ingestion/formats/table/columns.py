"""From the parsed record to the contract's columns: plain paths, and the SQL that the contract declares for the others.

DuckDB does it, in an instance of its own without access to files: a contract's SQL reads records, and the tables that are passed with
them, and nothing else. One thread is fastest: a second one doubles the processor time, and a load already reads and writes in parallel.
Numbers in another notation than ours (`1.250,5`) are rewritten as declared; anything else is left in a form that fails its cast. A code
that Excel wrote in E notation (`4.69900101E8`) has lost its zeros and its last digits: where nothing confirms it, it could be another
one's, and its record is not read.
"""

from collections.abc import Iterator, Mapping, Sequence

import duckdb
import polars as pl

from core.contract import Column, Contract
from core.table_forms import Form
from ingestion.formats.base import SKIPPED_SCHEMA, UNREADABLE_SCHEMA
from ingestion.formats.lines import FORMAT_ERROR
from ingestion.formats.table.paths import quoted, sql_of

NUMBERS = ("DOUBLE", "DECIMAL(18,2)", "INTEGER", "BIGINT")
E_NOTATION = r"^\d(?:[.,]\d+)?[eE]\+\d+$|^\d[.,]\d+[eE]\d+$"


def read_columns(
    frame: pl.DataFrame,
    records: str,
    form: Form,
    contract: Contract,
    *,
    further: Mapping[str, str] | None = None,
    tables: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Return `is_read`, `refused` and `passed_over` (a reason, or null), and the contract's columns as text, for each row of the frame.

    `records` is a list of SQL over the frame's columns: `record`, null if there is none, and what else the form's SQL reads; `further`
    is SQL by name over the result, for columns beside the contract's; `tables` are frames that the SQL reads by name.
    """
    texts = column_texts(form)
    shown = ", ".join(f"nullif({texts[name]}, '') as {quoted(name)}" for name in contract.column_names)
    beside = "".join(f", {sql} as {quoted(name)}" for name, sql in (further or {}).items())
    steps = f"select {records}, _row from frame"  # noqa: S608  names and SQL of a contract, here and below
    for name, sql in form.let.items():
        steps = f"select *, {sql} as {quoted(name)} from ({steps})"  # noqa: S608
    with duckdb.connect(config={"threads": 1, "enable_external_access": "false"}) as connection:
        for name, table in {"frame": frame.with_row_index("_row"), **(tables or {})}.items():
            connection.register(name, table)
        query = f"""
            select
                _row, record is not null as is_read, {_reason(form.refuse)} as refused, {_reason(form.skip)} as passed_over, {shown}
                {beside}
            from ({steps})
        """  # noqa: S608
        read = connection.execute(query).pl().sort("_row").drop("_row")  # a look into another table changes the order
    return read.with_columns(_rewritten(form, contract))


def _reason(conditions: Mapping[str, str]) -> str:
    """Write the name of the first condition that is true as SQL."""
    cases = "".join(f"when {sql} then '{name}' " for name, sql in conditions.items())
    return f"case {cases}end" if cases else "null::varchar"


def part_by_reason(
    rows: pl.DataFrame, form: Form, contract: Contract
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Split rows into records of one piece each, UNREADABLE_SCHEMA and SKIPPED_SCHEMA.

    A row is skipped under `passed_over`, unreadable by its `reason` or a code in E notation, and otherwise a record.
    """
    is_mine = pl.col("passed_over").is_null()
    marked = rows.with_columns(pl.coalesce("reason", *_rounded(contract)).alias("reason"))
    records = marked.filter(is_mine & pl.col("reason").is_null()).select(
        "_delivery", "_position", "_raw", pl.lit(1, dtype=pl.Int64).alias("_record_count"), *contract.column_names
    )
    group = pl.col("reason").replace_strict(form.error_groups, default=FORMAT_ERROR, return_dtype=pl.Int32)
    unreadable = marked.filter(is_mine & pl.col("reason").is_not_null()).with_columns(group.alias("error_group"))
    skipped = (
        marked.filter(~is_mine)
        .group_by("_delivery", pl.col("passed_over").alias("reason"), maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("pieces"))
    )
    return records, unreadable.select(UNREADABLE_SCHEMA.keys()), skipped.select(SKIPPED_SCHEMA.keys())


def must_be_exact(column: Column) -> bool:
    """Whether a column identifies something, and no pattern, list or register can tell whether a text in it is a whole code."""
    identifies = column.is_key or column.is_identifier or column.classification == "personal"
    return column.logical_type == "string" and identifies and not (column.pattern or column.allowed or column.reference)


def _rounded(contract: Contract) -> Iterator[pl.Expr]:
    for column in contract.columns:
        if must_be_exact(column):
            is_rounded = pl.col(column.name).str.strip_chars().str.contains(E_NOTATION)
            yield pl.when(is_rounded).then(pl.lit(f"{column.name}_rounded"))


def column_texts(form: Form) -> dict[str, str]:
    """Write each column of a form as SQL over `record`, its text; a joined one is null if a part of it is."""
    plain = {name: _text_at(path, form) for name, path in form.columns.items()}
    joined = {name: " || ' ' || ".join(_text_at(path, form) for path in parts) for name, parts in form.joined.items()}
    return plain | joined | {name: f"({sql})::varchar" for name, sql in form.derived.items()}


def _text_at(path: str, form: Form) -> str:
    text = f"({sql_of(path)})::varchar"
    if path not in form.digits:
        return text
    return f"if(regexp_full_match(trim({text}), '\\d{{1,{form.digits[path]}}}'), lpad(trim({text}), {form.digits[path]}, '0'), {text})"


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
