"""What `up` refuses before it starts anything, and the order in which it starts services."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import DiskFullError, UnknownNameError
from core.settings import PROJECT, Settings
from stack.control import DATA_SERVICES, all_services, down, status, up
from stack.object_store import PORT_OFFSETS, ObjectStore, filer_address
from stack.processes import is_alive, spawn
from stack.secrets import ensure_secrets
from stack.service import Command
from stack.superset import Superset


def test_every_service_stands_after_those_it_needs(tmp_path: Path) -> None:
    seen: list[str] = []
    for service in all_services(Settings(home=tmp_path)):
        assert set(service.needs) <= set(seen)
        seen.append(service.name)
    assert seen == [
        "postgres",
        "seaweedfs",
        "sftp",
        "dbt",
        "airflow-api-server",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
        "superset",
    ]
    assert set(seen) > DATA_SERVICES


def test_the_days_of_superset_begin_at_local_midnight(tmp_path: Path) -> None:
    environment = Superset(ensure_secrets(Settings(home=tmp_path))).environment
    ask = [sys.executable, "-c", "from datetime import datetime; print(datetime.now().astimezone().utcoffset())"]
    assert subprocess.run(ask, env=environment, capture_output=True, text=True, check=True).stdout == "7:00:00\n"
    assert f"TZ={environment['TZ']}\n" in (PROJECT / "deploy" / "superset.Dockerfile").read_text(encoding="utf-8")


def test_no_two_services_want_the_same_port(tmp_path: Path) -> None:
    ports = [port.number for service in all_services(Settings(home=tmp_path)) for port in service.ports]
    assert len(ports) == len(set(ports)) == len(PORT_OFFSETS) + 4


def test_all_ports_of_the_object_store_follow_its_s3_port(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, s3_port=30_000)
    assert [port.number for port in ObjectStore(settings).ports] == [30_000 + n for n in PORT_OFFSETS.values()]
    assert filer_address(settings) == "127.0.0.1:30006.30007"


def test_a_full_disk_is_refused_with_both_figures(tmp_path: Path) -> None:
    try:
        with pytest.raises(DiskFullError, match="free some space or set IOC_HOME") as caught:
            up(Settings(home=tmp_path), DATA_SERVICES, least_free_bytes=2**62)
    finally:
        down(Settings(home=tmp_path))
    assert caught.value.values["needed_bytes"] == 2**62
    assert [found.state for found in status(Settings(home=tmp_path))] == ["stopped"] * 9


def test_an_unknown_service_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="choose from postgres, seaweedfs") as caught:
        up(Settings(home=tmp_path), {"postgres", "mysql"})
    assert caught.value.values == {"names": ["mysql"]}


def test_down_ends_a_service_that_the_settings_no_longer_ask_for(tmp_path: Path) -> None:
    record = spawn(tmp_path, "simulator", Command((sys.executable, "-c", "import time; time.sleep(600)"), {}, tmp_path))
    said: list[str] = []
    down(Settings(home=tmp_path), said.append)
    assert said == ["simulator: stopped"]
    assert not is_alive(record)


def test_down_where_nothing_was_started_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    down(Settings(home=tmp_path / "never"), said.append)
    assert said == []
    assert not (tmp_path / "never").exists()
