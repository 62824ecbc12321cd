"""Personal values and terminal control characters appear on no screen, in no receipt and in no message, wherever in a delivery they are.

Marts and silver are searched in `tests/integration/test_personal_data.py`, after a whole build.
"""

import json
import os
import pwd
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.verbs import app
from cli.visible import visible
from ingestion.receipts.receipt_store import BUCKET
from lake.tables import create_tables
from tests.integration import conftest as integration
from tests.integration.conftest import NOON, Lake
from tests.integration.persons import BUILDERS, STRANGER, Seeded, strange_names

pytestmark = pytest.mark.stack

lake = integration.lake

DOSSIERS, LEVELS, READINGS, STUDENTS = (
    "public_services.dossiers",
    "environment.river_levels",
    "environment.station_readings",
    "education.students",
)
ME = pwd.getpwuid(os.getuid()).pw_name

WHOLE = {
    "a header that is the first record": (LEVELS, "levels.csv", f"HUE_KL,2026-11-20,{STRANGER}\nHUE_KL,2026-11-20,1\n"),
    "a required column under a person's name": (LEVELS, "a.csv", f"station_id,timestamp,{STRANGER}\nHUE_KL,2026-11-20,1\n"),
    "a column twice beside a person's": (LEVELS, "b.csv", f"station_id,timestamp,value,value,{STRANGER}\nx,x,1,1,x\n"),
    "a file named after a person": (READINGS, f"{STRANGER} 0905877001.txt", "PM10\t62.4\tug/m3\t20261120080500\t00\n"),
    "a root named after a person": ("feedback.requests", "c.xml", "<Tôn_Nữ_Kín_Hơn/>"),
    "another document of a person": ("health.disease_cases", "d.json", json.dumps({STRANGER: 1})),
    "members named after a person": (DOSSIERS, "e.json", json.dumps([{"MaHoSo": f"H{n}", STRANGER: n} for n in range(30)])),
    "text that is no record": (DOSSIERS, "f.ndjson", f'{{"ChuHoSo": "{STRANGER}", "SoDienThoai": "0905877001"'),
    "bytes that are no UTF-8": (LEVELS, "g.csv", f"station_id,timestamp,value\n{STRANGER},0905877001,\udcff\n"),
    "a long text": (DOSSIERS, "h.ndjson", '{"x": "' + f"{STRANGER} 0905877001 " * 1_000),
    "a terminal's codes": (LEVELS, "i.csv", "station_id,timestamp,value\n\x1b]0;owned\x07\x9b31m\u202e,\x1b[2J,\x1b[31mx\n"),
    "a terminal's codes in the file's name": (LEVELS, "\x1b]0;owned\x07\x9b31m\u202egpj.csv", "station_id,timestamp,value\nx,\x1b[2J,x\n"),
    "a terminal's codes in a header": (LEVELS, "k.csv", "station_id,timestamp,value,\x1b[2J\u202ex\nHUE_KL,2026-11-20,?,1\n"),
}  # fmt: skip
"""Deliveries that are set aside whole, cannot be read, or try to control a terminal: feed, file name, text."""

FEEDS = sorted({feed for feed, _, _ in WHOLE.values()})
FORMS: tuple[tuple[str, ...], ...] = ((), ("--json",))
NAMES = (STRANGER, "Kín", "0905877001")


@pytest.fixture
def ioc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that runs the `ioc` command on the stack of the tests."""
    for name, value in lake.settings.child_environment().items():
        if name.startswith("IOC_"):
            monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def screens(ioc: Callable[..., Result], feed: str) -> str:
    """Return what the commands print of a feed's quarantine without revealing it."""
    commands = [("quarantine", "list", feed), *(("quarantine", "show", feed, "--all", *form) for form in FORMS)]
    answers = [ioc(*command) for command in commands]
    assert [(answer.exit_code, answer.stderr) for answer in answers] == [(0, "")] * len(commands)
    return "\n".join(answer.stdout for answer in answers)


def found(secrets: Iterable[str], told: str) -> list[str]:
    """Return the secrets found in a text, as they are or escaped as in JSON; a table may wrap them in a cell."""
    return [secret for secret in secrets if secret in told or json.dumps(secret)[1:-1] in told]


def test_no_planted_value_is_on_a_screen_or_in_a_receipt(
    lake: Lake, ioc: Callable[..., Result], tmp_path: Path
) -> None:
    every: list[Seeded] = [*(build() for build in BUILDERS), strange_names()]
    for seeded in every:
        lake.land(seeded.feed, seeded.name, seeded.content)
    loaded = ioc("load", "--json")
    assert loaded.exit_code == 0
    assert sum(row["quarantined"] > 0 for row in json.loads(loaded.stdout)) == len(every)
    for seeded in every:
        told = screens(ioc, seeded.feed) + str([row["drift"] for row in json.loads(loaded.stdout)])
        assert "record" in told
        assert found(seeded.secrets, told) == [], seeded.feed
    for owner in {lake.contracts[seeded.feed].owner for seeded in every}:
        assert ioc("receipts", owner, "--into", str(tmp_path)).exit_code == 0
    client = lake.landing._client
    stored = [
        client.get_object(BUCKET, str(item.object_name)).read().decode()
        for item in client.list_objects(BUCKET, recursive=True)
    ]
    receipts = [json.loads(line) for text in stored for line in text.splitlines()]
    receipts += [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.json")]
    assert len(receipts) == 2 * len(every)
    told = str([receipt | {"source_name": ""} for receipt in receipts])  # an agency sees the names of its own files
    assert [found(seeded.secrets, told) for seeded in every] == [[]] * len(every)
    assert STRANGER in str(receipts)


def test_what_cannot_be_read_says_nothing_of_a_person_and_steers_no_terminal(
    lake: Lake, ioc: Callable[..., Result]
) -> None:
    for feed, name, text in WHOLE.values():
        lake.land(feed, name, text.encode("utf-8", "surrogateescape"))
    loaded = ioc("load", *FEEDS)
    assert lake.query("select count(distinct delivery_id) from lake.quarantine.records") == [(len(WHOLE),)]
    told = loaded.output + "".join(screens(ioc, feed) for feed in FEEDS)
    assert found(NAMES, told) == []
    books = [ioc("ledger", feed, *form).stdout for feed in FEEDS for form in FORMS]
    clear = [ioc("quarantine", "show", feed, "--reveal", *form).stdout for feed in FEEDS for form in FORMS]
    assert found(NAMES, "".join(clear)) == list(NAMES)
    for seen in (told, *books, *clear):
        assert visible(seen, keeps_lines=True) == seen


def test_values_are_shown_as_their_class_says(lake: Lake, ioc: Callable[..., Result]) -> None:
    for build in BUILDERS:
        seeded = build()
        if seeded.feed in (DOSSIERS, STUDENTS):
            lake.land(seeded.feed, seeded.name, seeded.content)
            lake.load(seeded.feed)
    (dossier,) = [row["record"] for row in json.loads(ioc("quarantine", "show", DOSSIERS, "--json").stdout)]
    classes = {column.name: column.classification for column in lake.contracts[DOSSIERS].columns}
    assert {name for name, value in dossier.items() if value == "***"} == {
        name for name in dossier if classes[name] in ("restricted", "personal")
    }
    assert {"applicant_name", "identity_number", "phone_number", "email", "abstract"} <= set(dossier)
    assert (dossier["dossier_id"], dossier["procedure_code"], dossier["applicant_kind"]) == (
        "HS-2",
        "1.012766",
        "Công dân",
    )
    (pupil,) = [row["record"] for row in json.loads(ioc("quarantine", "show", STUDENTS, "--json").stdout)]
    assert next(iter(pupil.items())) == ("status_name", "x"), "what failed comes first, and only its shape"
    assert (pupil["school_code"], pupil["full_name"], pupil["date_of_birth"]) == ("461975301", "***", "***")


def test_a_long_text_is_cut_and_its_length_told(lake: Lake, ioc: Callable[..., Result]) -> None:
    lake.land(DOSSIERS, "a.ndjson", '{"x": "' + "y" * 5_000)
    lake.land(LEVELS, "b.csv", f"station_id,timestamp,value\n{'9' * 5_000},2026-11-20T01:00:00Z,?\n")
    lake.load(DOSSIERS)
    lake.load(LEVELS)
    shape, values = (
        json.loads(ioc("quarantine", "show", feed, "--json").stdout)[0]["record"] for feed in (DOSSIERS, LEVELS)
    )
    assert shape == '{"x": "x'
    assert values["gauge_id"] == "9" * 300 + " … (5,000 characters)"
    clear = ioc("quarantine", "show", DOSSIERS, "--reveal").stdout
    assert ("characters)" in clear, clear.count("y") < 100) == (True, True)


def test_a_look_at_the_clear_text_is_written_down_first(lake: Lake, ioc: Callable[..., Result], tmp_path: Path) -> None:
    seeded = next(build() for build in BUILDERS if build().feed == DOSSIERS)
    delivery = lake.land(DOSSIERS, seeded.name, seeded.content)
    lake.load(DOSSIERS)
    screens(ioc, DOSSIERS)
    assert json.loads(ioc("quarantine", "reveals", "--json").stdout) == []
    (shown,) = json.loads(ioc("quarantine", "show", DOSSIERS, "--reveal", "--json").stdout)
    assert (json.loads(shown["raw"])["ChuHoSo"], shown["source_name"]) == ("Tôn Nữ Kín Đáo", seeded.name)
    assert ioc("quarantine", "export", DOSSIERS, "--into", str(tmp_path / "open.jsonl")).exit_code == 0
    traced = json.loads(ioc("trace", DOSSIERS, delivery, "1", "--raw", "--json").stdout)
    assert json.loads(traced["raw"])["ChuHoSo"] == "Tôn Nữ Kín Đáo"
    assert ioc("trace", DOSSIERS, delivery, "1", "--json").exit_code == 0
    common = {
        "feed": DOSSIERS,
        "delivery_id": delivery,
        "records": 1,
        "revealed_by": ME,
        "revealed_at": NOON.isoformat(),
    }
    looks = json.loads(ioc("quarantine", "reveals", DOSSIERS, "--json").stdout)
    assert sorted(looks, key=lambda look: str(look["verb"])) == [
        common | {"verb": "quarantine export", "positions": [2]},
        common | {"verb": "quarantine show", "positions": [2]},
        common | {"verb": "trace --raw", "positions": [1]},
    ]
    assert json.loads(ioc("quarantine", "reveals", LEVELS, "--json").stdout) == []


def test_what_cannot_be_written_down_is_not_shown(lake: Lake, ioc: Callable[..., Result], tmp_path: Path) -> None:
    seeded = next(build() for build in BUILDERS if build().feed == DOSSIERS)
    delivery = lake.land(DOSSIERS, seeded.name, seeded.content)
    lake.load(DOSSIERS)
    lake.connection.execute("drop table lake.quarantine.reveals")
    file = tmp_path / "open.jsonl"
    try:
        answers = [
            ioc("quarantine", "show", DOSSIERS, "--reveal", "--json"),
            ioc("quarantine", "export", DOSSIERS, "--into", str(file)),
            ioc("trace", DOSSIERS, delivery, "1", "--raw", "--json"),
        ]
    finally:
        create_tables(lake.connection, lake.contracts)
    assert [(answer.exit_code, found(("Kín",), answer.output)) for answer in answers] == [(1, [])] * 3
    assert not file.exists()
