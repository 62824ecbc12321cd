"""The only writer of the landing bucket: raw bytes exactly as they came, each delivery an object that never changes.

A key reads `<domain>/<feed>/<day received>/<time received>-<nonce>-<sha256, 16 digits>-<name>`: the keys of a feed sort by time, so
that finding what is new lists a few days and not years; with the digest anybody can verify the bytes; the nonce keeps a second
arrival of the same bytes apart, which is then recorded as a duplicate delivery. Repair documents (`ingestion/repair/repair_document.py`)
have keys of the same form below `repairs/`, where no agency's file can land, and ids that begin with `repair-`. Collectors'
checkpoints live in the same bucket below `checkpoints/` and are written after the deliveries they cover: a crash between the two only
leads to fetching again. The deliveries that a load is working on are listed below `attempts/` (`ingestion/load/attempts.py`).
"""

import hashlib
import io
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, Protocol, cast
from urllib.parse import quote, unquote

from minio.error import S3Error

from core.contract import Contract
from core.errors import LedgerError
from core.object_client import THREADS, object_client, translated
from core.settings import Settings

BUCKET = "landing"
REPAIRS = "repairs/"
REPAIR_MARK = "repair-"
"""The id of a repair document, and of nothing else, begins with it."""
KEY = re.compile(
    r"(?P<prefix>repairs/)?(?P<domain>\w+)/(?P<feed>\w+)/\d{4}-\d{2}-\d{2}/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<nonce>[0-9a-f]{8})-(?P<digest>[0-9a-f]{16})-(?P<name>.*)"
)
TIME = "%Y%m%dT%H%M%S.%fZ"
NAME_LIMIT = 200
COPY_BYTES = 1024 * 1024
SPOOL_BYTES = 64 * 1024 * 1024
"""A delivery above this many bytes is spooled to disk while it is read or written."""


@dataclass(frozen=True)
class Delivery:
    """One object of raw bytes as an agency sent it."""

    delivery_id: str
    feed: str
    object_key: str
    source_name: str
    received_at: datetime
    bytes: int

    @property
    def digest(self) -> str:
        """The first 16 digits of the SHA-256 of its bytes as they were landed."""
        return _match(self.object_key)["digest"]

    @property
    def is_repair(self) -> bool:
        """Whether it is a repair document rather than an agency's delivery."""
        return self.delivery_id.startswith(REPAIR_MARK)


@dataclass(frozen=True)
class Content:
    """The bytes of one delivery, with their digest; `stream` is at its beginning."""

    delivery: Delivery
    stream: BinaryIO
    sha256: str


class Landing:
    """The landing bucket of one stack."""

    def __init__(self, settings: Settings) -> None:
        self._client = object_client(settings)

    def land(self, contract: Contract, source_name: str, content: BinaryIO | bytes, received_at: datetime) -> Delivery:
        """Write and return one delivery. A path in `source_name` is cut to its last part."""
        return self._put("", contract, source_name, content, received_at)

    def land_repair(self, contract: Contract, source_name: str, content: bytes, received_at: datetime) -> Delivery:
        """Write and return one repair document."""
        return self._put(REPAIRS, contract, source_name, content, received_at)

    def _put(
        self, prefix: str, contract: Contract, source_name: str, content: BinaryIO | bytes, received_at: datetime
    ) -> Delivery:
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            digest, size = _copy(stream, spool)
            name = safe_name(source_name)
            received = received_at.astimezone(UTC)
            key = (
                f"{prefix}{contract.feed.replace('.', '/', 1)}/{received:%Y-%m-%d}/{received.strftime(TIME)}-{secrets.token_hex(4)}"
                f"-{digest[:16]}-{quote(name, safe='')}"
            )
            with translated(contract.feed):  # the key holds the name of the file, which can be a person's
                self._client.put_object(BUCKET, key, spool, size)  # type: ignore[arg-type]  # a spool reads like a file
        return delivery_of(key, size)

    def land_many(
        self, contract: Contract, arrivals: Iterable[tuple[str, BinaryIO | bytes]], received_at: datetime
    ) -> list[Delivery]:
        """Write many small deliveries, sixteen at a time; the first failure is raised after those before it were written.

        Each is received a microsecond after the one before it, so that every load takes them in this order.
        """

        def land(numbered: tuple[int, tuple[str, BinaryIO | bytes]]) -> Delivery:
            number, (name, content) = numbered
            return self.land(contract, name, content, received_at + timedelta(microseconds=number))

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(land, enumerate(arrivals)))

    def deliveries(self, contract: Contract, since: date | None = None) -> Iterator[Delivery]:
        """List the feed's deliveries in the order received, from the day `since` on (all if it is None)."""
        prefix = f"{contract.feed.replace('.', '/', 1)}/"
        start = f"{prefix}{since - timedelta(days=1):%Y-%m-%d}~" if since else None
        with translated(prefix):
            for item in self._client.list_objects(BUCKET, prefix=prefix, recursive=True, start_after=start):
                if item.object_name is not None:
                    yield delivery_of(item.object_name, item.size or 0)

    def repairs(self, contract: Contract) -> Iterator[Delivery]:
        """List the feed's repair documents in the order of their requests."""
        prefix = f"{REPAIRS}{contract.feed.replace('.', '/', 1)}/"
        with translated(prefix):
            for item in self._client.list_objects(BUCKET, prefix=prefix, recursive=True):
                if item.object_name is not None:
                    yield delivery_of(item.object_name, item.size or 0)

    def days(self, contract: Contract) -> Iterator[date]:
        """List the days, in UTC, on which something was landed for a feed."""
        prefix = f"{contract.feed.replace('.', '/', 1)}/"
        with translated(prefix):
            for item in self._client.list_objects(BUCKET, prefix=prefix):
                yield date.fromisoformat(str(item.object_name).removeprefix(prefix).strip("/"))

    def read(self, delivery: Delivery) -> Content:
        """Read one delivery back and verify its bytes; raise LedgerError if the object is not what was landed.

        The stream is in memory up to 64 MB, on disk above; the caller closes it.
        """
        target = io.BytesIO() if delivery.bytes <= SPOOL_BYTES else TemporaryFile()  # noqa: SIM115  # the caller closes it
        with translated(delivery.delivery_id):
            response = self._client.get_object(BUCKET, delivery.object_key)
            try:
                digest, size = _copy(response, target)
            finally:
                response.close()
                response.release_conn()
        landed = delivery.digest
        if digest[:16] != landed:
            target.close()
            raise LedgerError(
                f"{delivery.delivery_id}: expected bytes with digest {landed}, as landed, got {digest[:16]} ({size} bytes); "
                "restore the object"
            )
        return Content(delivery, cast(BinaryIO, target), digest)

    def read_many(self, deliveries: list[Delivery]) -> Iterator[Content]:
        """Yield the contents of deliveries in their order, reading some ahead."""
        with ThreadPoolExecutor(THREADS) as pool:
            yield from pool.map(self.read, deliveries)

    def read_checkpoint(self, contract: Contract) -> bytes | None:
        """Return what the feed's collector saved last, or None."""
        return self._read_state(f"checkpoints/{contract.feed}.json")

    def write_checkpoint(self, contract: Contract, content: bytes) -> None:
        """Save the state of the feed's collector; call it after its deliveries were landed."""
        self._write_state(f"checkpoints/{contract.feed}.json", content)

    def read_attempts(self, name: str) -> bytes | None:
        """Return what the last load of this name recorded before it began, or None if it ended well."""
        return self._read_state(f"attempts/{name}.json")

    def write_attempts(self, name: str, content: bytes) -> None:
        """Record which deliveries a load is working on; call it before it begins."""
        self._write_state(f"attempts/{name}.json", content)

    def remove_attempts(self, name: str) -> None:
        """Remove what a load recorded; call it after it ended well."""
        key = f"attempts/{name}.json"
        with translated(key):
            self._client.remove_object(BUCKET, key)

    def _read_state(self, key: str) -> bytes | None:
        with translated(key):
            try:
                response = self._client.get_object(BUCKET, key)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise
            with response:
                return response.read()

    def _write_state(self, key: str, content: bytes) -> None:
        with translated(key):
            self._client.put_object(BUCKET, key, io.BytesIO(content), len(content))


def safe_name(source_name: str) -> str:
    """Reduce a source's name to one harmless path part: no folders, no control characters, at most 200 characters."""
    name = PurePosixPath(source_name.replace("\\", "/")).name
    name = "".join(character for character in name if character.isprintable()).strip()
    return (name if name not in ("", ".", "..") else "unnamed")[-NAME_LIMIT:]


def land_file(landing: Landing, contract: Contract, path: Path, received_at: datetime) -> Delivery:
    """Land a local file by hand; it takes the same path as a connector's files."""
    with path.open("rb") as stream:
        return landing.land(contract, path.name, stream, received_at)


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...


def _copy(source: _Readable, target: IO[bytes]) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(COPY_BYTES):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
    target.seek(0)
    return digest.hexdigest(), size


def _match(key: str) -> dict[str, str]:
    match = KEY.fullmatch(key)
    if match is None:
        raise LedgerError(
            f"{key}: expected a key written by landing, got another; find out what else writes into the bucket"
        )
    return match.groupdict(default="")


def delivery_of(key: str, size: int) -> Delivery:
    """Return the delivery that a key names; raise LedgerError if landing did not write it."""
    parts = _match(key)
    return Delivery(
        delivery_id=f"{REPAIR_MARK if parts['prefix'] else ''}{parts['time']}-{parts['nonce']}-{parts['digest']}",
        feed=f"{parts['domain']}.{parts['feed']}",
        object_key=key,
        source_name=unquote(parts["name"]),
        received_at=datetime.strptime(parts["time"], TIME).replace(tzinfo=UTC),
        bytes=size,
    )
