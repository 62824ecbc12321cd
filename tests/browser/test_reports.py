"""A report of a running Superset: what the page shows, and the figures of its drawn charts, as text on sheets that name the release.

Printing takes ten seconds or more, so some pages are printed, all of them in the long run, and most of what must hold is asked of one.
"""

import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from typer.testing import CliRunner

from cli import reports
from cli.dashboards import superset_client
from cli.verbs import app
from core.errors import ConfigurationError
from core.settings import Settings
from lake.connection import connected
from lake.releases import Release, last_release
from reporting.browser import chromium, log_in, open_dashboard
from reporting.pages import find_page
from reporting.printing import Caption, print_page
from reporting.report_store import ReportStore
from tests.browser.truth import NUMBERS, publish
from tests.long_run import a_few

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(1800)]

CAPTION = Caption("Tiêu đề", "Mô tả", ("Môi trường: bản phát hành số 1",), "Chân trang")
A4_LANDSCAPE = (842, 595)
"""In whole points."""
PRINTED = ("dich-benh", "dien-thoai", "dung-du-sach-song")
"""Pages that have charts of every kind between them; the others are printed in the long run."""
MORE = 60
"""So many vessels that their table scrolls on the page, and runs over sheets in print."""
IS_NEW = "vessel_code like 'NEW%'"


def sheets_of(content: bytes) -> list[str]:
    """Return the text of each sheet, with single spaces and composed letters."""
    pages = PdfReader(io.BytesIO(content)).pages
    assert {(int(page.mediabox.width), int(page.mediabox.height)) for page in pages} == {A4_LANDSCAPE}
    return [" ".join(unicodedata.normalize("NFC", page.extract_text()).split()) for page in pages]


@pytest.mark.parametrize("slug", a_few(sorted(NUMBERS), PRINTED))
def test_a_page_is_printed_with_the_numbers_of_the_truth(superset_settings: Settings, slug: str) -> None:
    sheets = sheets_of(print_page(superset_settings, find_page(slug), CAPTION))
    text = " ".join(sheets)
    assert [f"{title} {value}" for title, value in NUMBERS[slug].items() if f"{title} {value}" not in text] == []
    assert text.startswith("Tiêu đề Mô tả Môi trường: bản phát hành số 1 ")
    assert [sheet[-len("Chân trang Trang 1/3") :] for sheet in sheets] == [
        f"Chân trang Trang {number}/{len(sheets)}" for number in range(1, len(sheets) + 1)
    ]


@pytest.fixture
def more_vessels(superset_settings: Settings) -> Iterator[Release]:
    """A release with more vessels, withdrawn by another one at the end of the test; Superset's cache holds the page of the one before."""
    with chromium(superset_settings) as browser:  # closed before the report is printed: a process drives one at a time
        page = browser.new_page(locale="vi-VN")
        log_in(
            page,
            superset_settings,
            superset_settings.superset_reporter_user,
            superset_settings.reveal("superset_reporter_password"),
        )
        open_dashboard(page, superset_settings, "tau-ca")
    with connected(superset_settings) as connection:
        connection.execute(
            f"""
            insert into lake.fisheries.vessels_last_seen
            select * exclude (number) replace (
                'vms:NEW' || number as vessel_key, 'NEW' || number as vessel_code, 'NEW' || number as vessel_id)
            from (select * from lake.fisheries.vessels_last_seen where vessel_code = 'T0'), range({MORE}) as more (number)
            """
        )
        publish(connection, "fisheries")
        release = last_release(connection, "fisheries")
        assert release is not None
        yield release
        connection.execute(f"delete from lake.fisheries.vessels_last_seen where {IS_NEW}")
        publish(connection, "fisheries")


def test_the_command_prints_the_newest_release_whole_and_once(
    superset_settings: Settings, more_vessels: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "Settings", lambda: superset_settings)
    name, file = f"tau-ca.release-{more_vessels.release_id}.pdf", tmp_path / "report.pdf"
    said = CliRunner().invoke(app, ["report", "tau-ca", "--pdf", str(file), "--json"])
    assert said.exit_code == 0, said.stderr
    content = file.read_bytes()
    assert json.loads(said.stdout) == [
        {
            "page": "tau-ca",
            "release_id": more_vessels.release_id,
            "bytes": len(content),
            "object_key": f"marts/page-reports/tau-ca/{name}",
            "file": str(file),
        }
    ]
    sheets = sheets_of(content)
    text = " ".join(sheets)
    with connected(superset_settings) as connection:
        codes = connection.execute("select vessel_code from marts.fisheries.vessels_last_seen").fetchall()
    assert len(codes) > MORE
    assert f"Số tàu theo dõi {len(codes)} " in text
    table = text[text.index("Tàu VMS mất kết nối lâu nhất") : text.index("Số liệu của các biểu đồ")].split()
    assert [code for (code,) in codes if code not in table] == []
    assert " ".join(table).count("Số hiệu tàu Tên tàu Vị trí cuối lúc") >= 2  # on each sheet
    figures = text[text.index("Số liệu của các biểu đồ") :]
    assert "Cảnh báo theo loại Loại cảnh báo Đang diễn ra Mất kết nối quá 10 ngày 1 " in figures
    released = (
        f"Tàu cá · Bản phát hành số {more_vessels.release_id}, công bố lúc 12:00 10/03/2026 · In lúc 12:00 10/03/2026"
    )
    assert [sheet for sheet in sheets if f"{released} Trang " not in sheet] == []

    assert CliRunner().invoke(app, ["report", "tau-ca", "--pdf", "--json"]).exit_code == 0
    listed = CliRunner().invoke(app, ["report", "tau-ca", "--list", "--json"])
    assert json.loads(listed.stdout)[-1]["object_key"] == f"marts/page-reports/tau-ca/{name}"
    stored = ReportStore(superset_settings).find("tau-ca", more_vessels.release_id)
    assert stored is not None
    assert ReportStore(superset_settings).read(stored) == content


def test_the_account_that_opens_the_pages_is_a_leader(superset_settings: Settings) -> None:
    with superset_client(superset_settings) as client:
        users = client.get("/api/v1/security/users/?q=(page_size:100)").json()["result"]
    roles = {user["username"]: [role["name"] for role in user["roles"]] for user in users}
    assert roles["ioc-reporter"] == ["leader"]


def test_a_wrong_password_is_refused_and_not_repeated(browser: Browser, superset_settings: Settings) -> None:
    page = browser.new_page()
    with pytest.raises(
        ConfigurationError, match="expected the account ioc-reporter to be let in, got a refusal"
    ) as caught:
        log_in(page, superset_settings, superset_settings.superset_reporter_user, "nobody-may-read-this")
    assert "nobody-may-read-this" not in str(caught.value)
    page.close()
