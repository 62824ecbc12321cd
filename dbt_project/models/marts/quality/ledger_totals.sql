with feeds as (

    select * from {{ ref('feeds') }}

),

totals as (

    select
        feed,
        count(*) as deliveries,
        count(*) filter (where status = 'duplicate_delivery') as duplicate_deliveries,
        count(*) filter (where status = 'empty') as empty_deliveries,
        count(*) filter (where status = 'unreadable') as unreadable_deliveries,
        cast(sum(pieces) as bigint) as pieces,
        cast(sum(skipped) as bigint) as skipped,
        cast(sum(received) as bigint) as received,
        cast(sum(accepted) as bigint) as accepted,
        cast(sum(duplicate) as bigint) as duplicate,
        cast(sum(quarantined) as bigint) as quarantined,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        max(loaded_at) as last_loaded_at
    from {{ ref('stg_quality__deliveries') }}
    group by feed

),

replays as (

    select
        feed,
        cast(sum(quarantined) as bigint) as quarantined_again,
        cast(sum(accepted + duplicate) as bigint) as repaired,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
    from {{ ref('stg_quality__replays') }}
    group by feed

),

quarantine as (

    select
        feed,
        cast(coalesce(sum(record_count) filter (where is_open), 0) as bigint) as open_records,
        cast(coalesce(sum(record_count) filter (where not is_open), 0) as bigint) as replayed_records
    from {{ ref('int_quarantine_records') }}
    group by feed

),

counted as (

    select
        feeds.feed,
        feeds.domain,
        feeds.label_vi,
        coalesce(totals.deliveries, 0) as deliveries,
        coalesce(totals.duplicate_deliveries, 0) as duplicate_deliveries,
        coalesce(totals.empty_deliveries, 0) as empty_deliveries,
        coalesce(totals.unreadable_deliveries, 0) as unreadable_deliveries,
        coalesce(totals.pieces, 0) as pieces,
        coalesce(totals.skipped, 0) as skipped,
        coalesce(totals.received, 0) as received,
        coalesce(totals.accepted, 0) as accepted,
        coalesce(totals.duplicate, 0) as duplicate,
        coalesce(totals.quarantined, 0) as quarantined,
        coalesce(quarantine.replayed_records, 0) as replayed,
        coalesce(replays.quarantined_again, 0) as quarantined_again,
        coalesce(replays.repaired, 0) as repaired,
        coalesce(quarantine.open_records, 0) as open,
        {{ least_known('totals.first_event_at', 'replays.first_event_at') }} as first_event_at,
        {{ greatest_known('totals.last_event_at', 'replays.last_event_at') }} as last_event_at,
        totals.last_loaded_at
    from feeds
    left join totals on feeds.feed = totals.feed
    left join replays on feeds.feed = replays.feed
    left join quarantine on feeds.feed = quarantine.feed

),

final as (

    select
        feed,
        domain,
        label_vi,
        deliveries,
        duplicate_deliveries,
        empty_deliveries,
        unreadable_deliveries,
        pieces,
        skipped,
        received,
        accepted,
        duplicate,
        quarantined,
        replayed,
        quarantined_again,
        repaired,
        open,
        received - accepted - duplicate - quarantined as balance,
        received = accepted + duplicate + quarantined and pieces = received + skipped as is_balanced,
        first_event_at,
        last_event_at,
        last_loaded_at
    from counted

)

select * from final
