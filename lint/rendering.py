"""Render the models of the dbt project as an engine gets them, from their files alone: no dbt, no adapter, no database.

dbt's own functions that models and macros use stand here. A model that is built incrementally has two texts: one for its first build, and
one for those after it; what a macro then looks up is taken as not found.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

MACRO = re.compile(r"{%-?\s*macro\s+(\w+)")


NOW = "2026-11-20T06:00:00+07:00"
"""The clock of a rendered model, where none is given."""


@dataclass(frozen=True)
class Text:
    """The SQL of a model for an engine: `is_continued` for a build that continues an earlier one, `reads` the models it names."""

    model: str
    place: str
    path: Path
    sql: str
    is_continued: bool
    reads: frozenset[str]


class _Adapter:
    def __init__(self, engine: str, macros: Mapping[str, Any]) -> None:
        self._engine, self._macros = engine, macros

    def dispatch(self, name: str) -> Any:
        """Return the macro by which the engine says `name`."""
        return self._macros[f"{self._engine}__{name}"]


class Rendering:
    """The models and macros below a dbt project's folder, as an engine gets them."""

    def __init__(self, project: Path, engine: str, now: str = NOW) -> None:
        settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
        variables: dict[str, object] = settings["vars"] | {"now": now}
        self._project = project
        self._paths = sorted((project / "models").rglob("*.sql"))
        self._places = {path.stem: _place(project, path) for path in self._paths}
        self._reads: set[str] = set()
        self._config: dict[str, str] = {}
        self._is_continued = False
        self._environment = Environment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])  # noqa: S701  SQL, not HTML
        self._names: dict[str, Any] = self._environment.globals
        self._names.update(
            ref=self._ref,
            source=self._source,
            config=self._configure,
            var=variables.__getitem__,
            is_incremental=lambda: self._is_continued,
            env_var=lambda _, default="": default,
            execute=False,
            adapter=_Adapter(engine, self._names),
        )
        for path in sorted((project / "macros").rglob("*.sql")):
            text = path.read_text(encoding="utf-8")
            module = self._environment.from_string(text).make_module(self._names, shared=True)
            self._names.update({name: getattr(module, name) for name in MACRO.findall(text)})

    def render(self, text: str) -> str:
        """Return a text in which macros are called, as SQL."""
        return self._environment.from_string(text).render().strip()

    def texts(self) -> Iterator[Text]:
        """Yield the texts of every model, in the order of their paths."""
        for path in self._paths:
            layer = path.relative_to(self._project / "models").parts[0]
            for is_continued in (False, True):
                self._reads, self._config, self._is_continued = set(), {}, is_continued
                self._names["this"] = self._places[path.stem]
                sql = self.render(path.read_text(encoding="utf-8"))
                kind = self._config.get("materialized", "view" if layer == "staging" else "table")
                if kind == "incremental" or not is_continued:
                    yield Text(path.stem, self._places[path.stem], path, sql, is_continued, frozenset(self._reads))

    def _ref(self, name: str) -> str:
        self._reads.add(name)
        return self._places.get(name, f"instant.reference.{name}")

    def _source(self, schema: str, name: str) -> str:
        return f"instant.{schema}.{name}"

    def _configure(self, **options: str) -> str:
        self._config.update(options)
        return ""


def _place(project: Path, path: Path) -> str:
    """Return the name of the table or view that a model's file makes, as dbt_project.yml places it."""
    layer, domain, *_ = path.relative_to(project / "models").parts
    schema = {"staging": "memory.staging", "intermediate": "lake.silver"}.get(layer, f"lake.{domain}")
    return f"{schema}.{path.stem}"
