"""What receipts cost a load: a day of twenty stations, 5,760 small files. Aim: at most a twentieth of the load.

Baseline: the same receipts as one object each, sixteen at a time.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from bench.figure import Figure, small_stack
from bench.station_files import NOW, day_of_files
from core.contract import find_contract
from core.reference import Reference
from ingestion.collect.landing import Landing
from ingestion.load.load import Loader
from ingestion.receipts.receipt_store import ReceiptStore

FILES = 5_760


def measure() -> Figure:
    """Measure the load with its receipts, then the writing of the same receipts alone, in both ways."""
    with small_stack() as (settings, connection):
        contract, landing, store = (
            find_contract("environment.station_readings"),
            Landing(settings),
            ReceiptStore(settings),
        )
        landing.land_many(contract, islice(day_of_files(), FILES), NOW)
        began = time.perf_counter()
        rows = Loader(settings, connection, landing, Reference()).load_new(contract)
        load = time.perf_counter() - began
        assert len(rows) == FILES
        keys = list(store.keys(contract))
        contents = [store._client.get_object("receipts", key).read() for key in keys]
        for key in keys:
            store._client.remove_object("receipts", key)
        began = time.perf_counter()
        assert store.issue_due(connection, contract) == keys
        receipts = time.perf_counter() - began
        lines = [line for content in contents for line in content.splitlines()]
        began = time.perf_counter()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda one: store._put(f"single/{one[0]}.json", one[1]), enumerate(lines)))
        singly = time.perf_counter() - began
    share = receipts / load
    return Figure(
        f"receipts of {FILES:,} station files, {len(keys)} loads",
        f"{receipts:.2f} s of a load of {load:.1f} s, {share:.1%}",
        "≤ 5 % of the load",
        share <= 0.05,
        f"an object a receipt {singly:.1f} s",
    )


if __name__ == "__main__":
    print(measure().row())
