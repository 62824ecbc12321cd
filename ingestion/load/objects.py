"""What a load records about each object: the station, agency, facility or vessel of its records.

Rules are counted per load, not per object, since a row per rule, station and load would be more rows than records. What is kept here is
one row per load and object: the doors, and how many records were wrong (error groups 2, 6, 8), lacked a mandatory field (1), were
garbage (3, 4), used a code that no list has (5) or came late, and in how many an identifying column failed. So that each fault moves its
own axis and no other:

* a refused record still counts as *heard*: `last_heard_at` is its time, or its receipt if its time cannot be trusted,
  while `last_event_at` is the newest event that passed;
* a refused record without a known object or slot may belong to any missing slot: `unplaced_slots` counts them;
* a record is *late* if it was received later than the feed's freshness limit after its event, although newer events of the feed had been
  received one freshness before it. A feed that catches up after a silence is not late: the silence was reported while it lasted.
"""

import duckdb

from core.contract import AXIS_OF_ERROR_GROUP, Axis, Contract, Rule
from core.slots import SlotsBy
from ingestion.load.doors import object_of, slot_of
from ingestion.load.holding_area import HoldingArea
from ingestion.load.ledger import Status


def write_object_results(connection: duckdb.DuckDBPyConnection, holding: HoldingArea) -> None:
    """Write `ledger.object_results` of a load from its temporary tables; nothing for a replay, which does not improve what was sent.

    Call it inside the transaction, before the ledger's own rows.
    """
    contract = holding.contract
    if all(tally.status is Status.REPLAYED for tally in holding.tallies.values()):
        return
    axes = {
        "wrong": Axis.CORRECT,
        "missing": Axis.COMPLETE,
        "garbage": Axis.CLEAN,
        "inconsistent": Axis.CONSISTENT,
    }
    identifiers = [column.name for column in contract.columns if column.is_identifier]
    warnings = {name: [rule for rule in contract.rules if rule.axis is axis] for name, axis in axes.items()}
    warnings["misidentified"] = [rule for rule in contract.rules if rule.column in identifiers]
    warned = ", ".join(f"list_has_any(_warnings, {_names(rules)}) as is_{name}" for name, rules in warnings.items())
    refused = ", ".join(f"list_has_any(groups, {_groups(axis)}) as is_{name}" for name, axis in axes.items())
    refused += f", list_has_any(columns, {identifiers}::varchar[]) as is_misidentified"
    counted = ", ".join(f"coalesce(sum(pieces) filter (is_{name}), 0)::bigint as {name}" for name in warnings)
    connection.execute(
        f"""
        insert into lake.ledger.object_results by name
        with records as (
            select held._delivery, {object_of(contract)} as object_id, verdict as door, held._record_count as pieces, verdicts.event_at,
                verdicts.event_at as told_at, {slot_of(contract)} as slot_at, false as is_stranger, {warned}
            from held
            inner join verdicts using (_delivery, _position)
            where verdict <> 'conflict'
            union all
            select _delivery, object_id, 'quarantined' as door, _record_count as pieces, null as event_at, event_at as told_at, slot_at,
                list_contains(columns, $object) as is_stranger, {refused}
            from (
                select *, list_transform(failures, lambda failure: failure.error_group) as groups,
                    list_transform(failures, lambda failure: failure.column_name) as columns
                from refused
            )
        ),
        heard_before as (
            select max(last_event_at) as newest_event_at
            from lake.ledger.deliveries
            where feed = $feed and received_at <= (select min(received_at) from delivered) - to_seconds($freshness)
        ),
        received as (
            select records.*, received_at, source_name, object_id is not null and slot_at is not null as is_placed,
                door = 'accepted' and event_at < received_at - to_seconds($limit) and event_at < newest_event_at as is_late
            from records
            inner join delivered using (_delivery)
            cross join heard_before
        ),
        unplaced as ({_unplaced(contract)})
        select
            $load as load_id, $feed as feed, received.object_id, sum(pieces)::bigint as received,
            coalesce(sum(pieces) filter (door = 'accepted'), 0)::bigint as accepted,
            coalesce(sum(pieces) filter (door = 'duplicate'), 0)::bigint as duplicate,
            coalesce(sum(pieces) filter (door = 'quarantined'), 0)::bigint as quarantined, {counted},
            coalesce(sum(pieces) filter (is_late), 0)::bigint as late, coalesce(any_value(slots), 0)::bigint as unplaced_slots,
            max(event_at) as last_event_at, max(coalesce(told_at, received_at)) as last_heard_at, $now as loaded_at
        from received
        left join unplaced on received.object_id is not distinct from unplaced.object_id
        group by received.object_id
        """,
        {
            "feed": contract.feed,
            "load": holding.load_id,
            "now": holding.now,
            "freshness": contract.freshness.total_seconds(),
            "limit": contract.freshness_limit.total_seconds(),
            "object": contract.object_column,
        },
    )


def _unplaced(contract: Contract) -> str:
    """Return the query for slots that were received but cannot be placed: such records if a record is a slot, else such deliveries.

    If the name of a file contains its object and time, its slot is known, unless the object is unknown.
    """
    if contract.slots.by is not SlotsBy.OBJECT:
        return "select null::varchar as object_id, 0 as slots where false"
    if set(contract.key) <= {contract.slots.object, contract.slots.time}:
        return "select object_id, count(*) as slots from received where not is_placed group by object_id"
    pattern = (contract.slots.file or "").replace("'", "''")
    untold = f"and (bool_or(is_stranger) or not regexp_matches(any_value(source_name), '{pattern}'))" if pattern else ""
    return f"""
        select object_id, count(*) as slots
        from (select min(object_id) as object_id from received group by _delivery having not bool_or(is_placed) {untold})
        group by object_id
    """


def _groups(axis: Axis) -> str:
    return str([group for group, moved in AXIS_OF_ERROR_GROUP.items() if moved is axis])


def _names(rules: list[Rule]) -> str:
    return f"{[rule.name for rule in rules if not rule.is_blocking]}::varchar[]"
