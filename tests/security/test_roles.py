"""What each role may do in Superset, tried on its API and compared with two tables that people review and sign.

`api_writes.tsv`: every route that can write, from Superset's own map of routes, and which roles may use it (`+`) or are refused (`-`);
`.` is a route that is switched off, or fails for everybody before it checks the role. The requests name things that do not exist or are
empty, so that an allowed request does no harm. `marts.tsv`: every mart, and what each role may do with it. A route or a mart without a
line fails, and so does a wrong line: the message is the correct line.
"""

import csv
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml

from core.settings import PROJECT, Settings
from stack.superset import Superset
from tests.people import PASSWORD, asking_as
from tests.security.visitors import csrf_token, log_in_by_form

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

TABLES = Path(__file__).parent
ROLES = ("leader", "analyst", "engineer", "nobody")
ROUTES = """
import json
from superset.app import create_app
writing = {"POST", "PUT", "PATCH", "DELETE"}
rules = create_app().url_map.iter_rules()
print("\\n" + json.dumps(sorted({(method, rule.rule) for rule in rules for method in rule.methods & writing})))
"""
NOT_THERE = {"int": "999999", "datasource_type": "table", "object_type": "1", "pk": "999999"}
ACTIONS = {"users": "resetpasswords", "roles": "copyrole"}


def read_table(name: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Read a table: its lines by the columns that are not roles, each with the values of the roles."""
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    return {
        tuple(value for column, value in line.items() if column not in ROLES): {role: line[role] for role in ROLES}
        for line in lines
    }


def differences(name: str, found: dict[tuple[str, ...], dict[str, str]]) -> list[str]:
    """Return the lines missing from a table, and with a mark the lines that should not be in it."""
    expected = read_table(name)
    missing = ["\t".join([*key, *line.values()]) for key, line in found.items() if expected.get(key) != line]
    return missing + ["NO MORE\t" + "\t".join(key) for key in expected.keys() - found.keys()]


@pytest.fixture(scope="module")
def clients(people: Settings) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        found = {role: stack.enter_context(asking_as(people, role)) for role in ROLES}
        for (
            role,
            client,
        ) in found.items():  # with everything a route requires: token, cookie, and what forms send along
            if role == "nobody":
                client.headers["X-CSRFToken"] = csrf_token(client)
            else:
                log_in_by_form(client, role, PASSWORD)
                client.headers["X-CSRFToken"] = str(client.get("/api/v1/security/csrf_token/").json()["result"])
        yield found


def address_of(rule: str) -> str:
    """Fill the placeholders of a route with names that do not exist."""
    page = rule.split("/")[1]

    def fill(place: re.Match[str]) -> str:
        converter, _, name = place[1].rpartition(":")
        if name == "name" and page in ACTIONS:
            return ACTIONS[page]
        return NOT_THERE.get(converter) or NOT_THERE.get(name, "not-there")

    return re.sub(r"<([^>]+)>", fill, rule.replace("<int:pk>/filter_state", "1/filter_state"))


def marks(answers: dict[str, httpx.Response]) -> dict[str, str]:
    """Return the marks for the roles' answers; see the module's docstring."""
    for_all = answers["nobody"].status_code
    return {
        role: "." if for_all in {404, 500} and answer.status_code == for_all else mark(answer)
        for role, answer in answers.items()
    }


def mark(answer: httpx.Response) -> str:
    """Return the mark of an answer; a page redirects those without permission to the log-in, to itself or to the first page."""
    sent_away = answer.status_code == 302 and re.search(r"/login|^\.|^/$", answer.headers["location"])
    return "-" if answer.status_code in {401, 403} or sent_away else "+"


def test_every_write_by_every_role(people: Settings, clients: dict[str, httpx.Client]) -> None:
    service = Superset(people)
    ran = subprocess.run(
        [str(service.programs / "python"), "-c", ROUTES],
        env=dict(service.environment),
        cwd=service.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    routes = [(method, rule) for method, rule in json.loads(ran.stdout.splitlines()[-1])]
    assert len(routes) > 150

    def ask(route: tuple[str, str]) -> dict[str, str]:
        method, rule = route
        page = re.match(r"/(\w+)/action", rule)
        action: dict[str, dict[str, str]] = {"json": {}}
        if page:
            action = {"data": {"action": ACTIONS.get(page[1], "none"), "rowid": "999999"}}
        return marks({role: clients[role].request(method, address_of(rule), **action) for role in ROLES})  # type: ignore[arg-type]

    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(routes, pool.map(ask, routes), strict=True))
    assert differences("api_writes.tsv", {tuple(route): line for route, line in found.items()}) == []


def test_nobody_but_the_administrator_touches_accounts_roles_and_data_sources() -> None:
    """Checks the table itself, so that a line signed without reading cannot open these routes."""
    closed = re.compile(
        r"/api/v1/security/(?!login|refresh)|/api/v1/rowlevelsecurity|/api/v1/database/(?!.*(validate_sql|sync_permissions))"
        r"|/api/v1/assets/import|^/(users|roles|groups)/|/resetpassword/"
    )
    table = read_table("api_writes.tsv")
    lines = {key: line for key, line in table.items() if closed.search(key[1])}
    assert len(lines) > 40
    assert {key: line for key, line in lines.items() if "+" in line.values()} == {}


def test_a_leader_and_nobody_change_nothing_that_others_see() -> None:
    table = read_table("api_writes.tsv")
    may = {role: sorted(rule for (_, rule), line in table.items() if line[role] == "+") for role in ROLES}
    assert set(may["nobody"]) == {"/api/v1/security/login", "/login/", "/superset/log/"}
    assert len(may["leader"]) < len(may["analyst"]) < len(may["engineer"])


def marts() -> list[str]:
    """Return every mart described in dbt, and the views over them, as `<domain>.<mart>`."""
    folder = PROJECT / "dbt_project" / "models"
    views = yaml.safe_load((folder / "overview" / "_overview__sources.yml").read_text(encoding="utf-8"))["sources"][0]
    return [
        f"{path.parent.name}.{model['name']}"
        for path in sorted((folder / "marts").glob("*/_*__models.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    ] + [f"overview.{view['name']}" for view in views["tables"]]


class Asking:
    """Tries what a role may do with a mart."""

    def __init__(self, client: httpx.Client, database: int, datasets: dict[str, int]) -> None:
        self._client = client
        self._database = database
        self._datasets = datasets

    def actions(self, mart: str) -> str:
        """Return the actions that returned data or succeeded."""
        dataset, name = self._datasets.get(mart), uuid4().hex[:11]
        source = {"datasource": {"id": dataset, "type": "table"}}
        metric = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
        counted = {**source, "queries": [{"metrics": [metric]}], "result_format": "json", "result_type": "full"}
        samples = f"/datasource/samples?datasource_type=table&datasource_id={dataset}&force=false"
        tried = {
            "chart": dataset is not None and self._does("POST", "/api/v1/chart/data", counted),
            "samples": dataset is not None and self._does("POST", samples, {}),
            "sql": self._runs(f"select count(*) as n from {mart}", name),
            "export": self._does("GET", f"/api/v1/sqllab/export/{name}/"),
            "delete": self._runs(f"delete from {mart}"),
        }
        return " ".join(action for action, is_done in tried.items() if is_done) or "-"

    def _does(self, method: str, path: str, body: object = None) -> bool:
        answer = self._client.request(method, path, json=body)
        assert answer.status_code < 500, answer.text
        return answer.is_success

    def _runs(self, sql: str, name: str = "") -> bool:
        question = {"database_id": self._database, "sql": sql, "client_id": name or uuid4().hex[:11], "runAsync": False}
        answer = self._client.post("/api/v1/sqllab/execute/", json=question)
        return answer.is_success


def datasets_of_marts(client: httpx.Client) -> list[dict[str, str]]:
    """List the datasets that are marts, not copies of one for a page; Superset gives no more than a hundred at once."""
    entries: list[dict[str, str]] = []
    while True:
        asked = f"(page:{len(entries) // 100},page_size:100,filters:!((col:sql,opr:dataset_is_null_or_empty,value:!t)))"
        answer = client.get(f"/api/v1/dataset/?q={asked}").json()
        entries += answer["result"]
        if len(entries) >= answer["count"]:
            return entries


def test_every_mart_by_every_role(people: Settings, clients: dict[str, httpx.Client]) -> None:
    """Takes half a minute: each of five actions is tried on each mart by each role, 740 requests to a running Superset."""
    with asking_as(people, "admin") as client:
        (database,) = client.get("/api/v1/database/").json()["result"]
        entries = datasets_of_marts(client)
    datasets = {f"{entry['schema'].rpartition('.')[2]}.{entry['table_name']}": int(entry["id"]) for entry in entries}
    asking = {role: Asking(client, int(database["id"]), datasets) for role, client in clients.items()}
    whole = [*marts(), "operations.releases"]
    assert len(whole) > 30
    assert set(datasets) <= set(whole)
    with ThreadPoolExecutor(4) as pool:
        lines = pool.map(lambda mart: {role: asking[role].actions(mart) for role in ROLES}, whole)
        found: dict[tuple[str, ...], dict[str, str]] = {(mart,): line for mart, line in zip(whole, lines, strict=True)}
    assert differences("marts.tsv", found) == []
