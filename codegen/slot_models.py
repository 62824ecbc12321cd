"""The two dbt models that follow from what the contracts declare about slots: what fills slots, and which objects owe them."""

import re

from core.contract import Contract
from core.slots import SlotsBy

UNION = "    union all\n"


def has_register(contract: Contract) -> bool:
    """Whether a seed lists the objects that owe slots, or the feed owes them; otherwise objects are known by what they sent."""
    return contract.slots.by is not SlotsBy.OBJECT or contract.expected_objects is not None


def slots_sent_model(contracts: dict[str, Contract]) -> str:
    """Write the staging model of what fills slots: rows of bronze, and files whose names contain object and time."""
    selects = []
    for contract in contracts.values():
        slots = contract.slots
        if slots.time is not None and slots.by in (SlotsBy.OBJECT, SlotsBy.FEED):
            is_date = contract.column(slots.time).physical_type == "DATE"
            selects.append(
                _select(
                    contract,
                    slots.object or f"'{contract.feed}'",
                    f"{{{{ start_of_local_day('{slots.time}') }}}}" if is_date else slots.time,
                    "_received_at as received_at",
                    "{{ row_version() }} as _source_version",
                )
                + f"    from {{{{ source('bronze', '{contract.table}') }}}}\n"
            )
        if slots.file is not None:
            selects.append(_files(contract, slots.file))
    return f"with renamed as (\n\n{UNION.join(selects)}\n)\n\nselect * from renamed\n"


def slot_objects_model(contracts: dict[str, Contract]) -> str:
    """Write the model of the objects that owe slots, if a list of them exists: those of a register, or the feed itself."""
    selects = []
    for contract in contracts.values():
        if contract.slots.by in (SlotsBy.FEED, SlotsBy.POLLS):
            selects.append(f"    select '{contract.feed}' as feed, '{contract.feed}' as object_id\n")
        elif contract.slots.by is SlotsBy.OBJECT and contract.expected_objects:
            seed, column = contract.expected_objects.split(".")
            register = f"{{{{ ref('{seed}') }}}}"
            selects.append(f"    select '{contract.feed}' as feed, {column} as object_id from {register}\n")
    return (
        "{{ config(materialized='ephemeral') }}\n\n"
        f"with final as (\n\n{UNION.join(selects)}\n)\n\nselect * from final\n"
    )


def slots_told(contract: Contract) -> str:
    """Say in one line which slots a feed owes, and whether they can be fetched again."""
    slots = contract.slots
    if slots.by is SlotsBy.UNKNOWN:
        return f"Slots: unknown. {slots.reason}"
    register = f"each of `{contract.expected_objects}`" if contract.expected_objects else "each object heard lately"
    whose = {SlotsBy.OBJECT: register, SlotsBy.FEED: "the feed", SlotsBy.POLLS: "the feed, by its polls"}[slots.by]
    again = "can be fetched again." if contract.is_refetchable else f"cannot be fetched again. {slots.lost}"
    return f"Slots: {whose}, {slots.calendar.replace('_', ' ')}; {again}"


def _select(contract: Contract, object_id: str, event_at: str, received_at: str, version: str) -> str:
    return (
        f"    select\n        '{contract.feed}' as feed,\n        {object_id} as object_id,\n        {event_at} as event_at,\n"
        f"        {received_at},\n        {version}\n"
    )


def _files(contract: Contract, file: str) -> str:
    pattern, groups = _portable(file), re.compile(file).groupindex
    outer = _select(contract, "file_object", "{{ instant_of_digits('file_time') }}", "received_at", "_source_version")
    return (
        f"{outer}    from (\n        select\n"
        f"            {{{{ part_matched('source_name', '{pattern}', {groups['object']}) }}}} as file_object,\n"
        f"            {{{{ part_matched('source_name', '{pattern}', {groups['time']}) }}}} as file_time,\n"
        "            received_at,\n            {{ row_version() }} as _source_version\n"
        "        from {{ source('ledger', 'deliveries') }}\n"
        f"        where feed = '{contract.feed}' and received > 0 and status <> 'duplicate_delivery'\n    ) as files\n"
    )


def _portable(pattern: str) -> str:
    """Return a pattern without what regular expressions of engines write differently: named groups, and a backslash in a text."""
    for written, portable in ((r"\?P<\w+>", ""), (r"\\d", "[0-9]"), (r"\\\.", "[.]")):
        pattern = re.sub(written, portable, pattern)
    return pattern
