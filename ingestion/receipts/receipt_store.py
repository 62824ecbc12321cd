"""The only writer of the bucket `receipts`, which holds what an agency may be handed: one object per load.

A key reads `<agency>/<feed>/<day loaded>/<load>.jsonl`, a line per delivery: an object for each of thousands of small station files would
cost as much as their load. Receipts are written after the load's commit. What a crash between the two left out is written by the
next load of the feed, since loads that the ledger has and the bucket has not are due. The same load gives the same bytes, until one of its
deliveries is withdrawn: then its receipts are written again.
"""

import io
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, timedelta

import duckdb
from minio.error import S3Error

from core.agencies import agency_slug
from core.contract import Contract
from core.object_client import THREADS, object_client, receipts_client, translated
from core.settings import Settings
from ingestion.receipts.receipts import Receipt, loads_since, receipts_of

BUCKET = "receipts"
DUE_DAYS = timedelta(days=2)
"""How far before the feed's last load we look for loads without receipts: every load checks, so only the last one can lack them."""


class ReceiptStore:
    """The receipts of one stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = object_client(settings)

    def issue_due(self, connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
        """Write the receipts of the feed's last loads that have none; return the keys written."""
        since = _due_since(connection, contract)
        issued = set(self.keys(contract, since))
        if not issued:  # of none of these loads, or the feed has no load at all
            since, issued = None, set(self.keys(contract))
        loads = loads_since(connection, contract, since)
        due = {load_id: key for load_id, day in loads if (key := receipt_key(contract, load_id, day)) not in issued}
        if not due:
            return []
        return self._issue(connection, contract, due)

    def issue_again(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, load_ids: Collection[str]
    ) -> list[str]:
        """Write the receipts of loads whose ledger rows were written again; return the keys written."""
        loads = dict(loads_since(connection, contract, None))
        due = {load_id: receipt_key(contract, load_id, loads[load_id]) for load_id in load_ids if load_id in loads}
        return self._issue(connection, contract, due)

    def _issue(self, connection: duckdb.DuckDBPyConnection, contract: Contract, due: Mapping[str, str]) -> list[str]:
        lines: dict[str, list[str]] = defaultdict(list)
        for receipt in receipts_of(connection, contract, due):
            lines[due[receipt.load_id]].append(f"{receipt.at_load().line()}\n")
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda key: self._put(key, "".join(lines[key]).encode()), lines))

    def keys(self, contract: Contract, since: date | None = None) -> Iterator[str]:
        """List the feed's objects from a day on."""
        prefix = f"{agency_slug(contract.owner)}/{contract.feed}/"
        start = f"{prefix}{since - timedelta(days=1):%Y-%m-%d}~" if since else None
        with translated(prefix):
            for item in self._client.list_objects(BUCKET, prefix=prefix, recursive=True, start_after=start):
                if item.object_name is not None:
                    yield item.object_name

    def find(self, contract: Contract, receipt: Receipt) -> str | None:
        """Return the line in the store for a receipt's delivery, or None."""
        key = receipt_key(contract, receipt.load_id, receipt.loaded_at.date())
        try:
            with self._client.get_object(BUCKET, key) as response:
                lines = response.read().decode().splitlines()
        except S3Error as error:
            if error.code == "NoSuchKey":
                return None
            raise
        return next((line for line in lines if json.loads(line)["delivery_id"] == receipt.delivery_id), None)

    def link(self, key: str, lifetime: timedelta) -> str:
        """Sign an address that reads one object, and nothing else, until the time is over.

        It is signed with a key that reads receipts only, so that no address derived from it, ours or forged, opens anything else.
        """
        with translated(key):
            return receipts_client(self._settings).presigned_get_object(BUCKET, key, expires=lifetime)

    def _put(self, key: str, content: bytes) -> str:
        with translated(key):
            self._client.put_object(BUCKET, key, io.BytesIO(content), len(content), content_type="application/jsonl")
        return key


def receipt_key(contract: Contract, load_id: str, day: date) -> str:
    """Return the key of a load's receipts."""
    return f"{agency_slug(contract.owner)}/{contract.feed}/{day:%Y-%m-%d}/{load_id.partition('@')[2]}.jsonl"


def _due_since(connection: duckdb.DuckDBPyConnection, contract: Contract) -> date | None:
    row = connection.execute(
        "select max(loaded_at) from lake.ledger.deliveries where feed = ?", [contract.feed]
    ).fetchone()
    return (row[0] - DUE_DAYS).astimezone(UTC).date() if row and row[0] else None
