{{ config(materialized='ephemeral') }}

{%- set window_hours = var('score_window_hours') %}

-- Slots of the window that have ended, for the feeds whose objects each send at a fixed rhythm. No list of vessels exists, so a vessel is
-- expected from its first position until it has been silent for ten days.
with stations as (

    select station_id as object_id from {{ ref('stations') }}

),

gauges as (

    select gauge_id as object_id from {{ ref('gauges') }}

),

vessels as (

    select distinct object_id
    from {{ ref('stg_quality__vms_positions') }}
    where event_at > {{ clock() }} - interval '{{ var("silence_days") }} days' and event_at <= {{ clock() }}

),

expected_objects as (

    select 'environment.station_readings' as feed, object_id from stations
    union all
    select 'environment.river_levels' as feed, object_id from gauges
    union all
    select 'fisheries.vms_positions' as feed, object_id from vessels

),

events as (

    select 'environment.station_readings' as feed, object_id, event_at from {{ ref('stg_quality__station_readings') }}
    where event_at >= {{ clock() }} - interval '{{ window_hours + 2 }} hours'
    union all
    select 'environment.river_levels' as feed, object_id, event_at from {{ ref('stg_quality__river_levels') }}
    where event_at >= {{ clock() }} - interval '{{ window_hours + 2 }} hours'
    union all
    select 'fisheries.vms_positions' as feed, object_id, event_at from {{ ref('stg_quality__vms_positions') }}
    where event_at >= {{ clock() }} - interval '{{ window_hours + 2 }} hours'

),

feeds as (

    select
        *,
        {{ local_slot_number(clock(), 'cadence_minutes') }} as first_slot_after,
        {{ window_hours }} * 60 // cadence_minutes as slots_per_object
    from {{ ref('feeds') }}

),

received as (

    select
        events.feed,
        events.object_id,
        count(distinct {{ local_slot_number('events.event_at', 'feeds.cadence_minutes') }}) as slots
    from events
    inner join feeds
        on events.feed = feeds.feed
        and {{ local_slot_number('events.event_at', 'feeds.cadence_minutes') }} < feeds.first_slot_after
        and {{ local_slot_number('events.event_at', 'feeds.cadence_minutes') }}
        >= feeds.first_slot_after - feeds.slots_per_object
    group by events.feed, events.object_id

),

final as (

    select
        feeds.feed,
        cast(sum(feeds.slots_per_object) as bigint) as expected_slots,
        cast(sum(coalesce(received.slots, 0)) as bigint) as received_slots
    from expected_objects
    inner join feeds using (feed)
    left join received
        on expected_objects.feed = received.feed
        and expected_objects.object_id = received.object_id
    group by feeds.feed

)

select * from final
