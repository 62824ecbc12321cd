"""Which deliveries a load is working on, recorded before it begins: one that crashes its loads is found, and cannot block its feed.

A process that is killed (out of memory, an abort in a library, SIGKILL) cannot say which delivery killed it. So before each batch its
deliveries are recorded in an object beside the collectors' checkpoints: that outlives the process, needs no commit of its own, and
leaves no snapshot without facts in the lake. Loads of a feed take turns, so a load that the next one finds begun and not ended was brought
down. The next load takes those deliveries in groups a twentieth as large (a few of them one by one, thousands in hundreds), and so on until
the culprit is alone; one that has brought down two loads, the last of them alone, is set aside whole with the reason `load_failed_twice`.

A delivery in the ledger is loaded, whatever is recorded here: a crash between a commit and the end of an attempt blames no delivery.
Nor does a lost service, a wrong setting or a stop by an operator: such an attempt is taken back. If the object store itself was lost,
that is noted in IOC_HOME, and the next load on this machine relies on the note.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import psycopg
from pydantic import BaseModel, ValidationError

from core.contract import Contract
from core.errors import ConfigurationError, DeliveryError, LakehouseError, ServiceError
from core.settings import Settings
from ingestion.collect.landing import Landing

REASON = "load_failed_twice"
LIMIT = 2
"""A delivery may bring down this many loads; after that it is never read again."""


SHARE = 20
"""Deliveries that brought a load down together are loaded in groups of this fraction: thousands of files must not cost a commit each."""


class _Saved(BaseModel):
    brought_down: dict[str, int] = {}
    together: dict[str, int] = {}
    attempt_id: str = ""
    underway: list[str] = []


class Attempts:
    """The attempts to load the deliveries of one feed; hold the feed's lock while using them. `kind` is load or replay."""

    def __init__(self, settings: Settings, landing: Landing, contract: Contract, kind: str = "load") -> None:
        self._landing = landing
        self._key = f"{kind}/{contract.feed}"
        self._notes = settings.home_folder / "attempts"
        text = landing.read_attempts(self._key)
        self._is_written = text is not None
        saved = self._parse(text)
        self._brought_down, self._together = dict(saved.brought_down), dict(saved.together)
        if saved.underway and not self._note(saved.attempt_id).exists():
            for delivery_id in saved.underway:
                self._brought_down[delivery_id] = self.times(delivery_id) + 1
                self._together[delivery_id] = len(saved.underway)
        self._noted = saved.attempt_id

    def times(self, delivery_id: str) -> int:
        """Return how many loads a delivery may have brought down."""
        return self._brought_down.get(delivery_id, 0)

    def most_together(self, delivery_id: str, usual: int) -> int:
        """Return how many deliveries may share a transaction with this one; `usual` if it brought nothing down."""
        return max(1, self._together[delivery_id] // SHARE) if delivery_id in self._together else usual

    def is_condemned(self, delivery_id: str) -> bool:
        """Whether a delivery must not be read again."""
        return self.times(delivery_id) >= LIMIT and self._together.get(delivery_id) == 1

    @contextmanager
    def of(self, delivery_ids: Iterable[str]) -> Iterator[None]:
        """Hold an attempt on deliveries for the block; it is taken back if the block fails with an error that no delivery caused."""
        underway = list(delivery_ids)
        attempt_id = secrets.token_hex(8)
        self._save(self._state(attempt_id, underway))
        try:
            yield
        except BaseException as error:
            if not is_to_blame(error):
                self._take_back(attempt_id)
            raise
        for delivery_id in underway:
            self._brought_down.pop(delivery_id, None)
            self._together.pop(delivery_id, None)

    def end(self) -> None:
        """Forget all attempts: everything that was new is loaded."""
        if self._is_written:
            self._landing.remove_attempts(self._key)
            self._is_written = False

    def _take_back(self, attempt_id: str) -> None:
        try:
            self._save(self._state())
        except ServiceError:  # the first error is the one to report
            self._notes.mkdir(parents=True, exist_ok=True)
            self._note(attempt_id).touch()

    def _state(self, attempt_id: str = "", underway: Iterable[str] = ()) -> _Saved:
        return _Saved(
            brought_down=self._brought_down, together=self._together, attempt_id=attempt_id, underway=list(underway)
        )

    def _save(self, state: _Saved) -> None:
        self._landing.write_attempts(self._key, state.model_dump_json().encode())
        self._is_written = True
        if self._noted:
            self._note(self._noted).unlink(missing_ok=True)
            self._noted = ""

    def _note(self, attempt_id: str) -> Path:
        return self._notes / (attempt_id or "none")

    def _parse(self, text: bytes | None) -> _Saved:
        try:
            return _Saved() if text is None else _Saved.model_validate_json(text)
        except ValidationError as error:
            raise ConfigurationError(
                f"attempts/{self._key}.json: expected JSON as a load wrote it, got {error.error_count()} errors; remove the object"
            ) from error


def condemned(delivery_id: str) -> DeliveryError:
    """Return the error under which a delivery that brought its loads down is set aside."""
    return DeliveryError(
        f"{delivery_id}: expected a delivery that can be loaded, got {LIMIT} loads brought down by it; it waits in landing: find out "
        "what is in it, then send it again in parts, or repair it",
        reason=REASON,
    )


def is_to_blame(error: BaseException) -> bool:
    """Whether a delivery may have caused an error: no, if a service was lost, a setting is wrong, or somebody stopped the load."""
    if isinstance(error, duckdb.OutOfMemoryException | pl.exceptions.PanicException):
        return True
    if not isinstance(error, Exception):
        return False  # an interrupt, an exit, a cancelled task
    if isinstance(error, LakehouseError):
        return not (error.is_retryable or isinstance(error, ConfigurationError | ServiceError))
    is_lost = isinstance(error, duckdb.OperationalError | psycopg.OperationalError | OSError)
    return not is_lost and type(error) is not duckdb.Error
