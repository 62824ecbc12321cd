"""The staging and *current* models of a plain feed: its contract's columns as they are, and the newest version of each key.

A feed whose records need more than that has a staging model written by hand, `stg_<domain>__<feed>.sql` without the header of generated
files; then none is generated for it. Restricted columns stay in bronze; personal ones are hashed there and only tell records apart.
"""

from pathlib import Path

import yaml

from core.contract import Contract

HEADER = "Generated from contracts/ by `ioc contracts generate`; do not edit."


def staging_files(contracts: dict[str, Contract], models: Path) -> dict[Path, str]:
    """Return the models of the plain feeds and their descriptions, by path under the folder of models."""
    files: dict[Path, str] = {}
    plain = [contract for contract in contracts.values() if is_plain(contract, models)]
    for contract in plain:
        folder = models / "staging" / contract.domain
        files[folder / f"{staging_name(contract)}.sql"] = f"-- {HEADER}\n{staging_model(contract)}"
        if contract.version:
            folder = models / "intermediate" / contract.domain
            files[folder / f"{current_name(contract)}.sql"] = f"-- {HEADER}\n{current_model(contract)}"
    for domain in dict.fromkeys(contract.domain for contract in plain):
        of_domain = [contract for contract in plain if contract.domain == domain]
        files[models / "staging" / domain / "_generated__models.yml"] = _yaml(
            [_staging_entry(one) for one in of_domain]
        )
        if versioned := [_current_entry(one) for one in of_domain if one.version]:
            files[models / "intermediate" / domain / "_generated__models.yml"] = _yaml(versioned)
    return files


def is_plain(contract: Contract, models: Path) -> bool:
    """Whether a feed has no staging model written by hand."""
    path = models / "staging" / contract.domain / f"{staging_name(contract)}.sql"
    return not path.exists() or path.read_text(encoding="utf-8").startswith(f"-- {HEADER}\n")


def staging_name(contract: Contract) -> str:
    return f"stg_{contract.table}"


def current_name(contract: Contract) -> str:
    return f"int_{contract.table}_current"


def staging_model(contract: Contract) -> str:
    """Write the model that a mart reads: one row of bronze each, without restricted columns."""
    shown = [column.name for column in contract.columns if column.classification != "restricted"]
    columns = ",\n        ".join([*shown, "_record_count", "_source_version"])
    return (
        "with source as (\n\n"
        "    select *, {{ row_version() }} as _source_version\n"
        f"    from {{{{ source('bronze', '{contract.table}') }}}}\n\n),\n\n"
        f"renamed as (\n\n    select\n        {columns}\n    from source\n\n)\n\nselect * from renamed\n"
    )


def current_model(contract: Contract) -> str:
    """Write the model of the newest version of each key."""
    key = ", ".join(contract.key)
    return (
        "{{ config(materialized='table') }}\n\n"
        f"with final as (\n\n    {{{{ newest_versions(ref('{staging_name(contract)}'), '{key}', '{contract.version}') }}}}\n\n)\n\n"
        "select * from final\n"
    )


def _staging_entry(contract: Contract) -> dict[str, object]:
    key = [*dict.fromkeys([*contract.key, *([contract.version] if contract.version else [])])]
    return {
        "name": staging_name(contract),
        "description": f"{contract.name}, as sent. {contract.grain}",
        "data_tests": [_unique(key, config={"tags": ["nightly"]})],
        "columns": _columns(contract),
    }


def _current_entry(contract: Contract) -> dict[str, object]:
    return {
        "name": current_name(contract),
        "description": f"{contract.name}: the newest version of each. One row per {', '.join(contract.key)}.",
        "data_tests": [_unique([*contract.key])],
        "columns": _columns(contract),
    }


def _columns(contract: Contract) -> list[dict[str, str]]:
    return [
        {"name": column.name, "description": column.description or column.label_vi}
        for column in contract.columns
        if column.classification != "restricted"
    ]


def _unique(columns: list[str], **more: object) -> dict[str, object]:
    return {"unique_combination": {"arguments": {"columns": columns}, **more}}


def _yaml(models: list[dict[str, object]]) -> str:
    return f"# {HEADER}\n" + yaml.safe_dump({"models": models}, sort_keys=False, allow_unicode=True, width=1000)
