{{ config(materialized='ephemeral') }}

-- A feed owes slots since its first delivery. A slot that has ended is due once the feed's promised freshness has passed too; until then it is awaited and not counted. No list of
-- vessels exists, so a vessel is expected from its first position until it has been silent for ten days.
with feeds as (

    select * from {{ ref('feeds') }}

),

events as (

    select
        events.feed,
        events.object_id,
        {{ local_date('events.event_at') }} as local_date,
        {{ local_slot_number('events.event_at', 'feeds.cadence_minutes') }} as slot_number
    from {{ ref('int_slot_events') }} as events
    inner join feeds using (feed)

),

beginnings as (

    select feed, min({{ local_date("loaded_at - interval '1 second'") }}) as local_date
    from {{ ref('stg_quality__deliveries') }}
    group by feed

),

days as (

    {{ days_from_to('(select min(local_date) from beginnings)', newest_local_day()) }}

),

expected_objects as (

    select days.local_date, 'environment.station_readings' as feed, stations.station_id as object_id
    from days
    cross join {{ ref('stations') }} as stations
    union all
    select days.local_date, 'environment.river_levels' as feed, gauges.gauge_id as object_id
    from days
    cross join {{ ref('gauges') }} as gauges
    union all
    select distinct days.local_date, events.feed, events.object_id
    from days
    inner join events
        on events.feed = 'fisheries.vms_positions'
        and events.local_date <= days.local_date
        and events.local_date >= days.local_date - {{ var('silence_days') }}

),

due as (

    select
        expected_objects.feed,
        expected_objects.object_id,
        expected_objects.local_date,
        {{ local_slot_number(start_of_local_day('expected_objects.local_date'), 'feeds.cadence_minutes') }} as first_slot,
        {{ local_slot_number(
            'least(' ~ start_of_local_day("expected_objects.local_date + interval '1 day'") ~ ', '
            ~ minutes_before(clock(), 'feeds.freshness_minutes') ~ ')', 'feeds.cadence_minutes'
        ) }} as first_slot_after
    from expected_objects
    inner join feeds using (feed)
    inner join beginnings
        on expected_objects.feed = beginnings.feed
        and expected_objects.local_date >= beginnings.local_date

),

final as (

    select
        due.feed,
        due.object_id,
        due.local_date,
        cast(greatest(max(due.first_slot_after - due.first_slot), 0) as bigint) as expected_slots,
        count(distinct events.slot_number) as received_slots
    from due
    left join events
        on due.feed = events.feed
        and due.object_id = events.object_id
        and due.local_date = events.local_date
        and due.first_slot_after > events.slot_number
    group by due.feed, due.object_id, due.local_date

)

select * from final
