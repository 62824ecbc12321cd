"""What each model is made of, as one digest: its code, the macros and variables it uses, its reference lists, the models below it.

A model whose digest has changed is built whole, and so is everything that depends on it, as their digests include its own. A changed
threshold, unit or formula therefore never leaves a table in which old rows follow the old logic and new rows the new one.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

USED_VARIABLE = re.compile(r"""\bvar\(\s*['"](\w+)['"]""")


def fingerprints(
    manifest: Mapping[str, Any], variables: Mapping[str, object], seeds: Mapping[str, str]
) -> dict[str, str]:
    """Return the digest of each model of a dbt manifest, by the model's name.

    `variables` are those of dbt_project.yml, `seeds` the digests of the reference lists' files by name.
    """
    nodes, macros = manifest["nodes"], manifest["macros"]

    @cache
    def macros_below(name: str) -> frozenset[str]:
        below = macros[name]["depends_on"]["macros"]
        return frozenset({name}).union(*(macros_below(other) for other in below if other != name))

    @cache
    def digest(name: str) -> str:
        node = nodes[name]
        if node["resource_type"] == "seed":
            return seeds[node["name"]]
        used = frozenset[str]().union(*(macros_below(macro) for macro in node["depends_on"]["macros"]))
        own = sorted(macro for macro in used if macros[macro]["package_name"] == node["package_name"])
        texts = [node["raw_code"], *(macros[macro]["macro_sql"] for macro in own)]
        known = sorted({found for text in texts for found in USED_VARIABLE.findall(text)})
        parts = [
            *texts,
            *(f"{variable}={variables.get(variable)!r}" for variable in known),
            *(f"{column}:{told.get('data_type')}" for column, told in node["columns"].items()),
            *(digest(other) for other in sorted(node["depends_on"]["nodes"]) if other in nodes),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    return {node["name"]: digest(name) for name, node in nodes.items() if node["resource_type"] == "model"}


def changed(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """Return the models that must be built whole; all of them if nothing is known about an earlier build."""
    return sorted(name for name, digest in now.items() if before is None or before.get(name) != digest)
