"""The verb for reports: print a page as PDF, or list what was printed."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, show
from core.errors import ConfigurationError
from core.settings import Settings
from reporting.pages import find_page
from reporting.report import make_report
from reporting.report_store import ReportStore, StoredReport


@ends_well
def report(
    page: Annotated[str | None, typer.Argument(help="A page, as in its address: moi-truong, phan-anh …")] = None,
    file: Annotated[Path | None, typer.Argument(help="With --pdf: also write it here.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the page, and keep it beside its release.")] = False,
    is_list: Annotated[bool, typer.Option("--list", help="List the reports of the page, or of all pages.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a page as PDF from the release in force, or return the report if it was printed from it before; or list the reports."""
    settings = Settings()
    if is_list and not pdf:
        slug = find_page(page).slug if page else None
        show([_row(one) for one in ReportStore(settings).reports(slug)], "Reports", as_json=as_json)
        return
    if page is None or is_list or not pdf:
        raise ConfigurationError(
            "report: expected a page with --pdf, or --list, got neither or both; see `ioc report --help`"
        )
    made = make_report(settings, page)
    row = _row(made)
    if file is not None:
        file.write_bytes(ReportStore(settings).read(made))
        row = {**row, "file": str(file)}
    show([row], "Report", as_json=as_json)


def _row(one: StoredReport) -> Row:
    return {"page": one.page, "release_id": one.release_id, "bytes": one.bytes, "object_key": f"marts/{one.key}"}


VERBS = {"report": report}
