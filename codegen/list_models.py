"""The staging models of feeds that send full lists: which lists there are, and what was refused of each.

A list is what deliveries with the declared ending brought for one scope in one version, so that a list may come in parts, and a list
with nothing accepted does not count. What was refused was sent all the same, and is not missing from its list: the model holds it with the
scope and the key that it came with. If the scope is none of the delivery's lists (a misspelt school), it may belong to each of them;
if the key cannot be read, it may be any record of its list, until it is repaired.
"""

from core.contract import Contract, FullList


def list_models(contracts: dict[str, Contract]) -> dict[str, str]:
    """Write the model of each feed that sends full lists, by the model's name."""
    return {
        f"stg_{contract.table}_lists": _model(contract, contract.full_list)
        for contract in contracts.values()
        if contract.full_list
    }


def lists_told(contract: Contract) -> list[str]:
    """Say in one line which lists a feed sends; nothing if it sends none."""
    if contract.full_list is None:
        return []
    scope = ", ".join(f"`{name}`" for name in contract.full_list.scope) or "the feed"
    return [
        "",
        f"Full lists of each {scope}, in `*{contract.full_list.suffix}`: what the next one leaves out has ended.",
    ]


def _model(contract: Contract, full_list: FullList) -> str:
    scope = "".join(f"{name},\n        " for name in full_list.scope)
    key = " || '|' || ".join(
        f"{{{{ member_at('records.list_key', {place}) }}}}"
        for place, name in enumerate(contract.list_key, start=1)
        if name not in full_list.scope
    )
    is_of_scope = [
        f"cast(lists.{name} as varchar) = {{{{ member_at('records.list_key', {place}) }}}}"
        for place, name in enumerate(full_list.scope, start=1)
    ]
    of_scope = "".join(f"\n        and {one}" for one in is_of_scope)
    is_same = "(" + "\n            and ".join(is_of_scope) + ")" if is_of_scope else "true"
    of_lists = "".join(f"lists.{name},\n        " for name in full_list.scope)
    return f"""\
with replays as (

    select distinct repair_id, delivery_id
    from {{{{ source('quarantine', 'repairs') }}}}
    where feed = '{contract.feed}'

),

brought as (

    select bronze.*, coalesce(replays.delivery_id, bronze._delivery_id) as delivery_id
    from {{{{ source('bronze', '{contract.table}') }}}} as bronze
    left join replays on bronze._delivery_id = replays.repair_id

),

lists as (

    select distinct
        {scope}{contract.version} as listed_at,
        delivery_id
    from brought
    inner join {{{{ source('ledger', 'deliveries') }}}} as deliveries using (delivery_id)
    where deliveries.feed = '{contract.feed}' and lower(deliveries.source_name) like '%{full_list.suffix}'

),

records as (

    select
        records.delivery_id,
        records.position,
        records.list_key,
        {key} as record_key
    from {{{{ source('quarantine', 'records') }}}} as records
    left join {{{{ source('quarantine', 'repairs') }}}} as repairs
        on records.feed = repairs.feed
        and records.delivery_id = repairs.delivery_id
        and records.position = repairs.position
    where
        records.feed = '{contract.feed}'
        and ({key} is not null or coalesce(repairs.outcome, 'quarantined') = 'quarantined')

),

placed as (

    select records.delivery_id, records.position
    from records
    inner join lists
        on records.delivery_id = lists.delivery_id{of_scope}

),

refused as (

    select
        {of_lists}lists.listed_at,
        lists.delivery_id,
        records.record_key
    from records
    inner join lists on records.delivery_id = lists.delivery_id
    left join placed
        on records.delivery_id = placed.delivery_id
        and records.position = placed.position
    where
        placed.position is null
        or {is_same}

),

renamed as (

    select {", ".join([*full_list.scope, "listed_at", "delivery_id"])}, null as record_key, false as is_refused from lists
    union all
    select {", ".join([*full_list.scope, "listed_at", "delivery_id"])}, record_key, true as is_refused from refused

)

select * from renamed
"""
