"""Reference lists that contracts point to (`relationships: to: <seed>.<column>`): stations, agencies, units …

They are the seeds of the dbt project, so that ingestion and marts cannot disagree about which codes exist. Codes are text.
"""

from pathlib import Path

import polars as pl

from core.errors import ContractError
from core.settings import PROJECT

SEEDS = PROJECT / "dbt_project" / "seeds"
TEXT_SUFFIXES = ("_code", "_id", "code", "unit")


class Reference:
    """The reference lists below one folder, each read once."""

    def __init__(self, folder: Path = SEEDS) -> None:
        self._folder = folder
        self._lists: dict[str, pl.DataFrame] = {}

    def list_of(self, name: str) -> pl.DataFrame:
        """Return a whole list; raise ContractError if there is no such seed."""
        if name not in self._lists:
            path = self._folder / f"{name}.csv"
            if not path.exists():
                raise ContractError(
                    f"{name}: expected a reference list dbt_project/seeds/{name}.csv, got none; add it, or correct the name"
                )
            header = pl.read_csv(path, n_rows=0).columns
            text = {column: pl.String for column in header if column.endswith(TEXT_SUFFIXES)}
            self._lists[name] = pl.read_csv(path, schema_overrides=text, infer_schema_length=None)
        return self._lists[name]

    def values_of(self, target: str) -> pl.Series:
        """Return the distinct values of `<seed>.<column>`; raise ContractError if either does not exist."""
        name, column = target.split(".")
        frame = self.list_of(name)
        if column not in frame.columns:
            raise ContractError(
                f"{target}: expected a column of {name}.csv ({', '.join(frame.columns)}), got {column}; correct the name"
            )
        return frame[column].unique()
