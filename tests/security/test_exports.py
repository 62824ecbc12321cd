"""No export holds a formula: every CSV and XLSX export, in cells, labels and headers, with every way to write a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest

from core.settings import Settings
from tests.people import asking_as

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

FORMULAS = (
    "=1+1",
    "+1+cmd",
    "-2+3+cmd|' /C calc'!D2",
    "@SUM(1+1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://127.0.0.1/?"&A1,"x")',
    "{=1+1}",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\uff1d1+1",
    "\uff20SUM(1)",
    "x;=1+1",
    "x\t=1+1",
    "x\n=1+1",
    "x\r=1+1",
    "x\r\n@SUM(1)",
    "|cmd",
    "%0A=1+1",
    "-1-1",
    "+84 905 123 456",
    '"\n=1+1',
    "\\=1+1;=1+1",
)
KEPT = (
    "-5",
    "-3.14",
    "+1,5",
    "-1e-7",
    "2026-11-20",
    "Phường An Cựu",
    "a - b",
    "1;-2",
    'he said "no"',
    "a|b",
    "\\n",
    "",
    "x\ny",
)

MAY_BE_CELL = re.compile(r"[;\t\r\n]")
IS_NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.IGNORECASE)


def computed(cells: list[str]) -> list[str]:
    """Return the cells that a spreadsheet would evaluate, with the separators of any locale."""
    parts = [part.strip(" \u00a0\ufeff\u200b") for cell in cells for part in MAY_BE_CELL.split(cell)]
    return [
        part
        for part in parts
        if part.startswith(("=", "+", "-", "@", "{=", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        and not IS_NUMBER.fullmatch(part)
    ]


def literal(text: str) -> str:
    """Return DuckDB SQL for a text, without characters that a form or a parser could change."""
    return " || ".join(f"chr({ord(character)})" for character in text) or "''"


def rows_of(texts: tuple[str, ...]) -> str:
    return " union all ".join(f"select {number} as n, {literal(text)} as t" for number, text in enumerate(texts))


def cells_of_csv(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")) for cell in row]


def cells_of_workbook(content: bytes) -> list[str]:
    """Return the texts of a workbook; fail on a formula or a link."""
    with ZipFile(io.BytesIO(content)) as workbook:
        sheet = workbook.read("xl/worksheets/sheet1.xml").decode()
        texts = workbook.read("xl/sharedStrings.xml").decode()
    assert "<f" not in sheet
    assert "<hyperlink" not in sheet
    found = re.findall(r"<t[^>]*>(.*?)</t>", texts, re.DOTALL)
    return [text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") for text in found]


@pytest.fixture(scope="module")
def analyst(people: Settings) -> Iterator[httpx.Client]:
    with asking_as(people, "analyst") as client:
        yield client


@pytest.fixture(scope="module")
def engineer(people: Settings) -> Iterator[httpx.Client]:
    with asking_as(people, "engineer") as client:
        yield client


def ask(client: httpx.Client, sql: str) -> str:
    """Run a query in SQL Lab; return the id by which its result can be exported."""
    (database,) = client.get("/api/v1/database/").json()["result"]
    name = uuid4().hex[:11]
    question = {"database_id": database["id"], "sql": sql, "client_id": name, "runAsync": False}
    answer = client.post("/api/v1/sqllab/execute/", json=question)
    assert answer.status_code == 200, answer.text
    return name


def exported(client: httpx.Client, sql: str) -> httpx.Response:
    return client.get(f"/api/v1/sqllab/export/{ask(client, sql)}/")


def streamed(client: httpx.Client, sql: str) -> httpx.Response:
    return client.post("/api/v1/sqllab/export_streaming/", data={"client_id": ask(client, sql)})


@pytest.mark.parametrize("way", [exported, streamed], ids=["export", "export_streaming"])
class TestSqlLab:
    """Cells and headers of SQL Lab's two exports."""

    def test_cells(self, engineer: httpx.Client, way: Callable[[httpx.Client, str], httpx.Response]) -> None:
        cells = cells_of_csv(way(engineer, f"select t from ({rows_of(FORMULAS)}) order by n"))
        assert len(cells) == len(FORMULAS) + 1
        assert computed(cells) == []

    @pytest.mark.parametrize("name", ["=1+1", "@SUM(1)", "+1+1", " =1+1", "x;=1+1", "{=1+1}"])
    def test_headers(
        self, engineer: httpx.Client, way: Callable[[httpx.Client, str], httpx.Response], name: str
    ) -> None:
        cells = cells_of_csv(way(engineer, f'select 1 as "{name}"'))
        assert len(cells) == 2
        assert computed(cells) == []

    def test_what_is_no_formula_is_kept(
        self, engineer: httpx.Client, way: Callable[[httpx.Client, str], httpx.Response]
    ) -> None:
        cells = cells_of_csv(way(engineer, f"select n, t from ({rows_of(KEPT)}) order by n"))
        assert cells[3::2] == [*KEPT]


def charted(client: httpx.Client, result_format: str, result_type: str = "full", queries: int = 1) -> httpx.Response:
    """Request the data of a chart whose column and metric are named like formulas."""
    (dataset,) = client.get("/api/v1/dataset/?q=(filters:!((col:table_name,opr:eq,value:feedback_cases)))").json()[
        "result"
    ]
    column = {"sqlExpression": literal("=1+1"), "label": "=2+2", "expressionType": "SQL"}
    metric = {"sqlExpression": f"max({literal('@SUM(1)')})", "label": "+3+cmd", "expressionType": "SQL"}
    other = {"sqlExpression": literal("{=9+9}"), "label": "{=8+8}", "expressionType": "SQL"}
    query = {"columns": [column, other], "metrics": [metric], "row_limit": 10}
    form: dict[str, object] = {"viz_type": "table", "datasource": f"{dataset['id']}__table", "query_mode": "aggregate"}
    if result_type == "post_processed":
        form = {
            **form,
            "viz_type": "pivot_table_v2",
            "groupbyRows": [column],
            "groupbyColumns": [other],
            "metrics": [metric],
            "aggregateFunction": "First",
            "metricsLayout": "COLUMNS",
        }
    question = {
        "datasource": {"id": dataset["id"], "type": "table"},
        "queries": [query] * queries,
        "form_data": form,
        "result_format": result_format,
        "result_type": result_type,
        "force": True,
    }
    return client.post("/api/v1/chart/data", json=question)


def test_a_charts_csv(analyst: httpx.Client) -> None:
    cells = cells_of_csv(charted(analyst, "csv"))
    assert len(cells) == 6
    assert computed(cells) == []


def test_a_pivoted_csv(analyst: httpx.Client) -> None:
    answer = charted(analyst, "csv", "post_processed")
    cells = cells_of_csv(answer)
    assert any("1+1" in cell for cell in cells), cells
    assert computed(cells) == []


def test_an_archive_of_csvs(analyst: httpx.Client) -> None:
    answer = charted(analyst, "csv", queries=2)
    with ZipFile(io.BytesIO(answer.content)) as archive:
        pages = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    assert sorted(pages) == ["query_1.csv", "query_2.csv"]
    for page in pages.values():
        assert computed([cell for row in csv.reader(io.StringIO(page)) for cell in row]) == []


def test_a_charts_workbook(analyst: httpx.Client) -> None:
    answer = charted(analyst, "xlsx")
    assert answer.status_code == 200, answer.text
    cells = cells_of_workbook(answer.content)
    assert len(cells) == 6
    assert computed(cells) == []


def test_an_archive_of_workbooks(analyst: httpx.Client) -> None:
    answer = charted(analyst, "xlsx", queries=2)
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 2
        for name in archive.namelist():
            assert computed(cells_of_workbook(archive.read(name))) == []


def test_a_workbook_for_every_formula(analyst: httpx.Client) -> None:
    (dataset,) = analyst.get("/api/v1/dataset/?q=(filters:!((col:table_name,opr:eq,value:feedback_cases)))").json()[
        "result"
    ]
    columns = [
        {"sqlExpression": literal(formula), "label": f"x{number}", "expressionType": "SQL"}
        for number, formula in enumerate(FORMULAS)
    ]
    question = {
        "datasource": {"id": dataset["id"], "type": "table"},
        "queries": [{"columns": columns, "row_limit": 1}],
        "result_format": "xlsx",
        "result_type": "full",
    }
    answer = analyst.post("/api/v1/chart/data", json=question)
    assert answer.status_code == 200, answer.text
    cells = cells_of_workbook(answer.content)
    assert len(cells) == 2 * len(FORMULAS)
    assert computed(cells) == []
