"""The demonstration: one day of a simulated city through the whole pipeline, with every figure compared with the truth.

The clock of the stack is set to the end of the simulated day (`IOC_HOME/settings.env`), so that "overdue" and "silent" mean
the same today and in a year. Airflow's scheduler does the work; this command only simulates, triggers DAGs, waits and compares.
"""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from cli.airflow import Airflow
from cli.books import show_totals
from cli.dashboards import charts_of_findings, every_chart_answers
from cli.output import Row, complaints, say, show
from cli.startup import start
from core.contract import read_contracts
from core.domains import domain_names
from core.errors import AuditError, ConfigurationError, LedgerError, ServiceError
from core.settings import Settings
from lake.connection import connected
from quality.levels import levels
from simulator.city import SimulatedDay, simulate
from simulator.compare import compare
from simulator.comparisons.base import Comparison
from simulator.declared import declared_urls
from simulator.faults import fault_profile
from simulator.local_time import midnight
from simulator.publish import publish_to_folders, publish_to_sftp

QUIET_SECONDS = 900
"""How long the demo waits without progress before it gives up."""

POLL_SECONDS = 2.0
LOOK_SECONDS = 20.0
"""How often the demo looks at the lake's levels while Airflow is busy with the same DAGs: a look costs a third of a second of a core."""

WATCHER = "levels"


def run_demo(*, day: str, seed: int, faults: str) -> None:
    """Run the demonstration; raises if the ledger does not balance, a mart differs from the truth, or a chart stays empty."""
    began = time.monotonic()
    chosen = day_of(day)
    settings = _set_the_clock(chosen, seed)
    simulated = simulate(chosen, seed, fault_profile(faults), _folder(settings, chosen, seed))
    say(
        f"Simulated {chosen} with seed {seed}: {sum(simulated.files.values()):,} files ({time.monotonic() - began:.0f} s)"
    )
    settings = start(["postgres", "seaweedfs", "sftp", "simulator"])
    sent = publish_to_sftp(simulated.folder, settings) + publish_to_folders(simulated.folder, settings)
    say(f"The city's systems hold {sent:,} files and {simulated.truth['feedback_cases'].height} feedback cases")
    sent_at = datetime.now(UTC)
    start(None)
    runs = _let_airflow_work(settings, sent_at)
    comparisons = _compare(settings, simulated)
    charts = {
        dashboard: {chart: len(rows) for chart, rows in found.items()}
        for dashboard, found in every_chart_answers(settings).items()
    }
    _report(runs, comparisons, charts)
    _judge(settings, comparisons, charts)
    say(
        f"\nEverything agrees with the truth. {time.monotonic() - began:.0f} s. The stack keeps running; `ioc down` stops it."
    )
    say(f"Airflow   http://{settings.airflow_host}:{settings.airflow_port}   user {settings.airflow_user}")
    say(f"Superset  {settings.superset_address}   user {settings.superset_admin_user}")
    say(f"Passwords {settings.home_folder / 'secrets.env'}")


def day_of(text: str) -> date:
    """Read a date; raise ConfigurationError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--day: expected a date like 2026-11-20, got {text}; correct it") from error


def _folder(settings: Settings, day: date, seed: int) -> Path:
    return settings.home_folder / "simulation" / f"{day}-{seed}"


def _set_the_clock(day: date, seed: int) -> Settings:
    """Write the demo's clock and simulated sources to the settings file that every process of this stack reads."""
    settings = Settings()
    if settings.simulated_day not in (None, _folder(settings, day, seed)):
        raise ConfigurationError(
            f"demo: expected an empty stack, or one with this day, got {settings.simulated_day} in {settings.home}; "
            "choose that day and seed, or set IOC_HOME to another folder"
        )
    end = (midnight(day) + timedelta(days=1)).astimezone(UTC)
    settings.home_folder.mkdir(parents=True, exist_ok=True)
    (settings.home_folder / "settings.env").write_text(
        f"IOC_NOW={end.isoformat()}\nIOC_SIMULATED_DAY={_folder(settings, day, seed)}\n{_simulated_sources(settings)}",
        encoding="utf-8",
    )
    chosen = Settings()
    if chosen.clock() != end:
        raise ConfigurationError(f"demo: expected the clock to be {end}, got IOC_NOW={chosen.clock()}; unset IOC_NOW")
    return chosen


def _simulated_sources(settings: Settings) -> str:
    """Return the settings with the URLs at which the city's server serves the feeds simulated from their contracts."""
    urls = declared_urls(settings.source_urls["feedback"])
    return "".join(f"IOC_SOURCE_URLS__{table.upper()}={url}\n" for table, url in urls.items())


def _let_airflow_work(settings: Settings, sent_at: datetime) -> int:
    """Run every ingest DAG after `sent_at`, and wait until every domain's release shows what was loaded; return the number of runs.

    A DAG that the scheduler has started since then is awaited, any other is triggered. What counts is the present state, not earlier
    runs: yesterday's failure does not fail today's demo. Raises AuditError if a load failed or a domain is stuck.
    """
    names = [f"ingest__{contract.table}" for contract in read_contracts().values()]
    with Airflow(settings) as airflow:
        airflow.await_dags([*names, WATCHER, *(f"marts__{domain}" for domain in domain_names())], QUIET_SECONDS)
        say(f"Airflow knows the DAGs; loading {len(names)} feeds ...")
        started = {run.dag_id: run for run in airflow.runs() if run.queued_at and run.queued_at > sent_at}
        wanted = [started.get(name) or airflow.trigger(name) for name in names]
        runs = airflow.await_runs(wanted, QUIET_SECONDS, lambda run: say(f"  {run.dag_id} ended: {run.state}"))
        failed = sorted({run.dag_id for run in runs if run.state == "failed"})
        if failed:
            raise AuditError(
                f"airflow: expected every feed to load, got failures in {', '.join(failed)}; see their logs in Airflow"
            )
        say("Everything is loaded; building, auditing and publishing ...")
        _await_releases(settings, airflow)
        return len(runs)


def _await_releases(settings: Settings, airflow: Airflow) -> None:
    """Wait until every domain is settled; if Airflow is idle, trigger the DAG that looks for what is due."""
    settled: set[str] = set()
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        busy = airflow.busy()
        looked = time.monotonic()
        with connected(settings) as connection:
            found = levels(connection, settings.clock())
        news = sorted(level.domain for level in found if level.is_settled and level.domain not in settled)
        for domain in news:
            say(f"  {domain} is released")
        settled = {level.domain for level in found if level.is_settled}
        waiting = [level for level in found if not level.is_settled]
        if not waiting and not busy:
            return
        if stuck := [level for level in waiting if level.stuck and f"marts__{level.domain}" not in busy]:
            raise AuditError("; ".join(f"{level.domain}: {level.stuck}" for level in stuck))
        if news:
            deadline = time.monotonic() + QUIET_SECONDS
        if time.monotonic() > deadline:
            behind = ", ".join(f"{level.domain} ({level.due or 'stuck'})" for level in waiting)
            raise ServiceError(
                f"airflow: expected every domain to be released, got none for {QUIET_SECONDS} s of {behind}; see `ioc status`"
            )
        if not busy:
            airflow.trigger(WATCHER)
        time.sleep(POLL_SECONDS)
        while busy and airflow.busy() == busy and time.monotonic() < looked + LOOK_SECONDS:
            time.sleep(POLL_SECONDS)


def _compare(settings: Settings, simulated: SimulatedDay) -> list[Comparison]:
    with connected(settings, as_reader=True) as connection:

        def query(sql: str) -> pl.DataFrame:
            return connection.execute(sql).pl()

        return compare(simulated.truth, query, settings.clock())


def _report(runs: int, comparisons: list[Comparison], charts: dict[str, dict[str, int]]) -> None:
    from cli.books import releases, score  # noqa: PLC0415

    say(f"{runs} feeds were loaded")
    show_totals()
    score()
    releases()
    rows: list[Row] = [
        {"mart": one.mart, "rows of truth": one.rows, "differences": len(one.differences)} for one in comparisons
    ]
    show(rows, "Marts against the truth", as_json=False)
    answers: list[Row] = [
        {"dashboard": dashboard, "charts": len(found), "with rows": sum(count > 0 for count in found.values())}
        for dashboard, found in charts.items()
    ]
    show(answers, "Dashboards", as_json=False)


def _judge(settings: Settings, comparisons: list[Comparison], charts: dict[str, dict[str, int]]) -> None:
    with connected(settings) as connection:
        unbalanced = connection.execute(
            "select object_key from lake.ledger.deliveries "
            "where received <> accepted + duplicate + quarantined or pieces <> received + skipped"
        ).fetchall()
    if unbalanced:
        raise LedgerError(
            f"{unbalanced[0][0]}: expected a balanced ledger, got {len(unbalanced)} unbalanced deliveries; see `ioc ledger`"
        )
    wrong = [one for one in comparisons if one.differences]
    for one in wrong:
        for difference in one.differences[:5]:
            complaints.print(f"{one.mart}: {difference}", markup=False, highlight=False)
    if wrong:
        raise AuditError(
            f"{', '.join(one.mart for one in wrong)}: expected marts equal to the truth, got the differences above"
        )
    findings = charts_of_findings()
    silent = [
        f"{dashboard}/{chart}"
        for dashboard, found in charts.items()
        for chart, rows in found.items()
        if rows == 0 and chart not in findings
    ]
    if silent or not charts:
        raise AuditError(
            f"superset: expected rows in every chart, got none in {', '.join(silent) or 'any'}; see the charts' queries"
        )
