"""What is generated from the contracts and never written by hand: dbt sources, staging and *current* models of plain feeds, the seed of
feeds, the models of slots and of full lists, the entries of the headline marts, the catalogue page, the page of indicators, the released
shapes, the schema of a receipt.

A generated file begins by saying so (a CSV cannot). `ioc contracts check`, and with it CI, fails if one of them differs from what would
be generated now.
"""

import csv
import io
import json
from pathlib import Path

import yaml

from codegen.compatibility import RELEASED, released_text
from codegen.headlines import headline_files
from codegen.indicators import indicators_page
from codegen.list_models import list_models, lists_told
from codegen.slot_models import has_register, slot_objects_model, slots_sent_model, slots_told
from codegen.staging_models import HEADER, staging_files
from core.contract import Contract
from core.domains import read_domains
from core.settings import PROJECT
from ingestion.collect.connectors.http_options import read_options
from ingestion.receipts.receipts import Receipt

ENVELOPE = {
    "_delivery_id": "Delivery the row came in.",
    "_position": "Position of its first piece in the delivery, from 1.",
    "_record_count": "Pieces of the delivery that the row is made of.",
    "_content_hash": "Hash of the contract's columns.",
    "_warnings": "Rules that failed and do not block.",
    "_received_at": "When the delivery was received.",
    "_loaded_at": "When the load ran.",
    "_load_id": "Load that wrote it.",
}
"""What bronze adds to a contract's columns."""

FEED_COLUMNS = (
    "feed",
    "domain",
    "label_vi",
    "owner",
    "cadence_minutes",
    "freshness_minutes",
    "freshness_limit_minutes",
    "expected_objects",
    "is_refetchable",
    "lost_reason",
    "slots_by",
    "slots_calendar",
    "slots_unknown_reason",
    "has_register",
    "page_size",
)


def generated_files(contracts: dict[str, Contract], project: Path = PROJECT) -> dict[Path, str]:
    """Return every generated file and its text."""
    models = project / "dbt_project" / "models"
    files = {
        project / "dbt_project" / "seeds" / "feeds.csv": feeds_seed(contracts),
        project / "docs" / "catalogue.md": catalogue_page(contracts),
        project / RELEASED: released_text(contracts),
        project / "docs" / "receipt.schema.json": receipt_schema(),
        models / "staging" / "quality" / "stg_quality__slots_sent.sql": f"-- {HEADER}\n{slots_sent_model(contracts)}",
        models / "intermediate" / "quality" / "int_slot_objects.sql": f"-- {HEADER}\n{slot_objects_model(contracts)}",
    }
    for name, text in list_models(contracts).items():
        domain = name.removeprefix("stg_").split("__")[0]
        files[models / "staging" / domain / f"{name}.sql"] = f"-- {HEADER}\n{text}"
    for domain in dict.fromkeys(contract.domain for contract in contracts.values()):
        folder = models / "staging" / domain
        files[folder / f"_{domain}__sources.yml"] = dbt_sources(domain, contracts)
    files |= staging_files(contracts, models)
    files |= headline_files(models, read_domains(), HEADER)
    written = {path.stem: text for path, text in files.items() if path.suffix == ".sql"}
    page = indicators_page(contracts, read_domains(), project, HEADER, written)
    return files | {project / "docs" / "indicators.md": page}


def stale_files(contracts: dict[str, Contract], project: Path = PROJECT) -> list[str]:
    """Return the generated files that are missing or differ, relative to the project."""
    return [
        str(path.relative_to(project))
        for path, text in generated_files(contracts, project).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def dbt_sources(domain: str, contracts: dict[str, Contract]) -> str:
    """Write the dbt source of a domain's bronze tables."""
    tables = [
        {
            "name": contract.table,
            "description": f"{contract.label_vi} / {contract.name}. {contract.grain}",
            "config": {"tags": [domain]},
            "columns": [
                {
                    "name": column.name,
                    "data_type": column.physical_type.lower(),
                    "description": f"{column.label_vi} / {column.description}",
                }
                for column in contract.columns
            ]
            + [{"name": name, "description": text} for name, text in ENVELOPE.items()],
        }
        for contract in contracts.values()
        if contract.domain == domain
    ]
    source = {"name": "bronze", "database": "instant", "schema": "bronze", "tables": tables}
    text = yaml.safe_dump({"sources": [source]}, sort_keys=False, allow_unicode=True, width=1000)
    return f"# {HEADER}\n{text}"


def feeds_seed(contracts: dict[str, Contract]) -> str:
    """Write the seed `feeds`: what SQL needs to know about each contract. Durations in minutes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FEED_COLUMNS)
    for contract in contracts.values():
        minutes = [
            int(span.total_seconds() // 60) for span in (contract.cadence, contract.freshness, contract.freshness_limit)
        ]
        writer.writerow(
            [
                contract.feed,
                contract.domain,
                contract.label_vi,
                contract.owner,
                *minutes,
                contract.expected_objects or "",
                str(contract.is_refetchable).lower(),
                contract.slots.lost or "",
                contract.slots.by.value,
                contract.slots.calendar,
                contract.slots.reason or "",
                str(has_register(contract)).lower(),
                page_size(contract),
            ]
        )
    return buffer.getvalue()


def page_size(contract: Contract) -> str:
    """Return how many records make a page of the feed full, so that another must follow; empty if its connector has no such number."""
    size = read_options(contract).size_that_goes_on if contract.connector == "http" else None
    return "" if size is None else str(size)


def receipt_schema() -> str:
    """Write the JSON Schema of a receipt."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": HEADER}
    return json.dumps(schema | Receipt.model_json_schema(mode="serialization"), ensure_ascii=False, indent=2) + "\n"


def catalogue_page(contracts: dict[str, Contract]) -> str:
    """Write the page that shows an analyst which feeds there are and what their columns mean."""
    lines = ["# Feeds", "", f"<!-- {HEADER} -->", ""]
    for contract in contracts.values():
        lines += [f"## {contract.feed} - {contract.label_vi}", "", f"{contract.name}. {contract.grain}", ""]
        lines += [
            f"Owner: {contract.owner}. Format `{contract.format}`, by `{contract.connector}`, every {contract.cadence}. "
            f"Fresh within {contract.freshness}, red after {contract.freshness_limit}. Privacy: {contract.privacy_class}. "
            f"Contract {contract.contract_version}.",
            "",
            slots_told(contract),
            *lists_told(contract),
            "",
            "| column | nhãn | type | key | class | meaning |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{column.name}` | {column.label_vi} | {column.physical_type} | {'key' if column.is_key else ''} "
            f"| {column.classification} | {column.description} |"
            for column in contract.columns
        ]
        lines += ["", "| rule | group | blocks | promise |", "|---|---|---|---|"]
        lines += [
            f"| `{rule.name}` | {rule.error_group} | {'yes' if rule.is_blocking else 'no'} | {rule.description} |"
            for rule in contract.rules
        ]
        lines.append("")
    return "\n".join(lines)
