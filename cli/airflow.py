"""Airflow's public API, as far as the demo needs it: trigger a DAG, and wait until nothing is running."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from core.errors import ServiceError
from core.settings import Settings

POLL_SECONDS = 1.0
UNFINISHED = ("queued", "running")


@dataclass(frozen=True)
class DagRun:
    """One run of a DAG, its state, and when it was queued (None if not yet)."""

    dag_id: str
    run_id: str
    state: str
    queued_at: datetime | None


class Airflow:
    """A session with the API server, logged in as the admin user."""

    def __init__(self, settings: Settings) -> None:
        self._address = f"http://{settings.airflow_host}:{settings.airflow_port}"
        self._client = httpx.Client(base_url=self._address, timeout=30)
        answer = self._send(
            "POST", "/auth/token", {"username": settings.airflow_user, "password": settings.reveal("airflow_password")}
        )
        self._client.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def await_dags(self, dag_ids: list[str], seconds: float) -> None:
        """Wait until Airflow has parsed the DAGs; raises ServiceError naming those that are missing."""

        def missing() -> list[str]:
            known = {row["dag_id"] for row in self._rows("/api/v2/dags?limit=200", "dags")}
            return [dag_id for dag_id in dag_ids if dag_id not in known]

        self._await(
            lambda: not missing(), seconds, lambda: f"expected DAGs {', '.join(missing())}, got none of them parsed"
        )

    def trigger(self, dag_id: str) -> DagRun:
        """Start one run now."""
        return _run_of(self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None}))

    def runs(self) -> list[DagRun]:
        """List the latest runs of all DAGs, at most a hundred, newest first."""
        return self._runs("order_by=-id")

    def unfinished(self) -> list[DagRun]:
        """List all queued and running runs, oldest first, however many newer runs there are."""
        return self._runs("&".join([*(f"state={state}" for state in UNFINISHED), "order_by=id"]))

    def await_runs(
        self, wanted: list[DagRun], seconds: float, told: Callable[[DagRun], None] = lambda _: None
    ) -> list[DagRun]:
        """Wait until the wanted runs have finished; return them in the order they ended, and call `told` with each as it ends.

        Raises ServiceError naming those still running if no run of their DAGs has begun or ended for `seconds`: a run waits for the
        earlier ones of its DAG, some of which may have been left behind by a machine that died.
        """
        keys = {(run.dag_id, run.run_id) for run in wanted}
        dags = {run.dag_id for run in wanted}
        ended: dict[tuple[str, str], DagRun] = {}
        before: dict[tuple[str, str], str] = {}
        deadline = time.monotonic() + seconds
        while waiting := keys - ended.keys():
            states = {(run.dag_id, run.run_id): run.state for run in self.unfinished() if run.dag_id in dags}
            for key in sorted(waiting - states.keys()):
                ended[key] = self._run(*key)
                told(ended[key])
            if states != before:
                before, deadline = states, time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise ServiceError(
                    f"airflow: expected {self._standing(waiting)} to end, got them still running within {seconds:.0f} s; "
                    f"see {self._address}"
                )
            else:
                time.sleep(POLL_SECONDS)
        return [*ended.values()]

    def await_quiet(self, seconds: float, paused: Collection[str] = ()) -> None:
        """Wait until no run is queued or running; raises ServiceError naming the DAGs that are.

        A run that was under way when its DAG was paused stays as it is, so `paused` are not waited for.
        """

        def busy() -> list[str]:
            return [dag_id for dag_id in self.busy() if dag_id not in paused]

        self._await(
            lambda: not busy(), seconds, lambda: f"expected every run to end, got {', '.join(busy())} still running"
        )

    def busy(self) -> list[str]:
        """Return the DAGs with queued or running runs."""
        return [run.dag_id for run in self.unfinished()]

    def _standing(self, runs: set[tuple[str, str]]) -> str:
        """Return the state of each run as text: its DAG, and in brackets its tasks with their states."""
        told = []
        for dag_id, run_id in sorted(runs):
            tasks = self._rows(f"{_path(dag_id, run_id)}/taskInstances", "task_instances")
            states = sorted(f"{task['task_id']} {task['state'] or 'waits'}" for task in tasks)
            told.append(f"{dag_id} ({', '.join(states)})")
        return ", ".join(told)

    def _await(self, condition: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise ServiceError(f"airflow: {complaint()} within {seconds:.0f} s; see {self._address}")
            time.sleep(POLL_SECONDS)

    def _runs(self, query: str) -> list[DagRun]:
        return [_run_of(row) for row in self._rows(f"/api/v2/dags/~/dagRuns?limit=100&{query}", "dag_runs")]

    def _run(self, dag_id: str, run_id: str) -> DagRun:
        return _run_of(self._send("GET", _path(dag_id, run_id)))

    def _rows(self, path: str, name: str) -> list[dict[str, str]]:
        rows = self._send("GET", path).get(name)
        if not isinstance(rows, list):
            raise ServiceError(f"airflow: expected a list of {name}, got {type(rows).__name__}; see {self._address}")
        return rows

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServiceError(f"airflow: expected an answer at {self._address}, got none; see `ioc status`") from error
        if response.is_error:
            raise ServiceError(
                f"airflow: expected success of {method} {path.split('?', maxsplit=1)[0]}, got {response.status_code}; see {self._address}"
            )
        answer: dict[str, object] = response.json()
        return answer


def _path(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _run_of(row: Mapping[str, object]) -> DagRun:
    queued_at = row.get("queued_at")
    return DagRun(
        str(row["dag_id"]),
        str(row["dag_run_id"]),
        str(row["state"]),
        datetime.fromisoformat(str(queued_at)) if queued_at else None,
    )
