"""README's "Add a feed", taken at its word: a feed of a new domain and one more of an old domain, in a copy of the project.

`new_feeds/<name>/` holds what a person writes, at its place in the tree; nothing else is typed. Every check of contracts, samples and
dashboards passes in the copy. The long run simulates a day there, loads, builds, audits and publishes the two domains, compares their marts
with the truth, and does the same through Airflow with every chart asked: `ioc demo`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.settings import PROJECT, Settings
from stack.control import down

pytestmark = pytest.mark.stack

FEEDS = Path(__file__).parent / "new_feeds"
NEW, FEED_NAMES = ("parking", "hot_spots"), ("parking.counts", "environment.hot_spots")
MARTS = ("parking.parking_hours", "environment.hot_spot_days")
FILES, LINES = 6, 250
"""What an ordinary feed may cost at most, its sample and its mart included."""

DOMAIN = "- {id: parking, label_vi: Bãi đỗ xe, label_en: Parking, dashboards: [bai-do-xe]}\n"
PAGE_ENDS = "marts:\n"
STATE = (
    ".git", ".venv", ".ioc", ".uv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "target",
)  # fmt: skip


class Checkout:
    """A copy of the project, and the commands a person runs in it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        (folder / ".venv").symlink_to(PROJECT / ".venv")
        self._environment = {
            **settings.child_environment(),
            "PYTHONPATH": f"{folder}:{folder / 'dags'}:{folder / 'superset'}",
        }

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def ioc(self, *arguments: str) -> str:
        """Run `ioc` of the copy; it must succeed."""
        finished = self.python("-c", "from cli.main import run; run()", *arguments)
        assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
        return finished.stdout

    def pytest(self, path: str, name: str) -> str:
        """Run the tests of a file whose names match; they must pass."""
        found = self.python("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", path, "-k", name)
        assert found.returncode == 0, found.stdout[-4000:]
        return found.stdout

    def add(self, feed: str) -> None:
        """Write what stands below `new_feeds/<feed>`: a file that is there already gets it at its end."""
        for source in files_of(feed):
            target = self.folder / source.relative_to(FEEDS / feed)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            if target.exists() and target.parent.name == "dashboards":
                rows, marts = text.split("---\n")
                page = target.read_text(encoding="utf-8")
                target.write_text(page.replace(PAGE_ENDS, rows + PAGE_ENDS, 1) + marts, encoding="utf-8")
            else:
                with target.open("a", encoding="utf-8") as file:
                    file.write(text)


def files_of(feed: str) -> list[Path]:
    return [path for path in sorted((FEEDS / feed).rglob("*")) if path.is_file()]


@pytest.fixture
def checkout(new_settings: Callable[[], Settings]) -> Iterator[Checkout]:
    """A copy of the project with the new feeds, which every service's user can read, and a stack of its own that is not up yet."""
    parent = Path(tempfile.mkdtemp(prefix="ioc-project-"))
    parent.chmod(0o755)
    folder = parent / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*STATE), symlinks=True)
    (folder / "superset" / ".venv").symlink_to(PROJECT / "superset" / ".venv")
    checkout = Checkout(folder, new_settings())
    try:
        with (folder / "contracts" / "domains.yaml").open("a", encoding="utf-8") as domains:
            domains.write(DOMAIN)
        for feed in NEW:
            checkout.add(feed)
        checkout.ioc("contracts", "generate")
        yield checkout
    finally:
        down(checkout.settings)
        shutil.rmtree(parent)


@pytest.mark.parametrize(("feed", "domain_lines"), [("parking", 1), ("hot_spots", 0)])
def test_an_ordinary_feed_costs_little(feed: str, domain_lines: int) -> None:
    files = files_of(feed)
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) + domain_lines
    assert len(files) + domain_lines <= FILES
    assert 100 < lines <= LINES


def test_new_feeds_pass_every_check(checkout: Checkout) -> None:
    checkout.ioc("contracts", "check")
    assert checkout.python("superset/check_assets.py").returncode == 0
    for feed in FEED_NAMES:
        assert "1 passed" in checkout.pytest("tests/unit/ingestion/formats/test_golden.py", feed)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_new_feeds_run_from_simulated_bytes_to_a_release_that_equals_the_truth(checkout: Checkout) -> None:
    finished = checkout.python("-m", "tests.integration.some_domains", "environment", "parking")
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
    compared = json.loads(finished.stdout.splitlines()[-1])
    assert {mart: differences for mart, (_, differences) in compared.items() if differences} == {}
    assert compared.keys() >= {*MARTS, "environment.air_quality_hours"}
    assert all(rows > 0 for rows, _ in compared.values())


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_demonstration_shows_the_new_feeds(checkout: Checkout) -> None:
    said = checkout.ioc("demo")
    for line in ("ingest__parking__counts ended: success", "parking is released", "Everything agrees with the truth."):
        assert line in said, said[-4000:]
    for mart in MARTS:
        assert mart in said, said[-4000:]
    ledger, scores = (json.loads(checkout.ioc(verb, "--json")) for verb in ("ledger", "score"))
    for feed in FEED_NAMES:
        rows = [row for row in ledger if row["feed"] == feed]
        assert sum(row["accepted"] for row in rows) > 100
        assert sum(row["quarantined"] for row in rows) > 0
        assert [row["level"] for row in scores if row["feed"] == feed] != []
        assert checkout.ioc("receipt", rows[0]["delivery_id"], "--json")
