{{ config(materialized='ephemeral') }}

{%- set window_hours = var('score_window_hours') %}

-- Slots of the window that have ended, for the feeds whose promise falls within the window. Where no register lists the objects, one is expected
-- from its first slot until it has been silent for ten days; a feed that is polled, from the first time it was asked.
with feeds as (

    select
        *,
        {{ local_slot_number(clock(), 'cadence_minutes') }} as first_slot_after,
        {{ window_hours }} * 60 // cadence_minutes as slots_per_object
    from {{ ref('feeds') }}
    where slots_by <> 'unknown' and freshness_minutes < {{ window_hours }} * 60

),

received as (

    select * from {{ ref('int_slots_received') }}
    where local_date >= {{ local_date(clock()) }} - {{ var('silence_days') }} - 1

),

heard as (

    select distinct received.feed, received.object_id
    from received
    inner join feeds using (feed)
    where
        {{ start_of_local_slot('received.slot_number', 'feeds.cadence_minutes') }} > {{ clock() }} - interval '{{ var("silence_days") }} days'
        and {{ start_of_local_slot('received.slot_number', 'feeds.cadence_minutes') }} <= {{ clock() }}

),

polled as (

    select distinct feed, object_id
    from {{ ref('int_slots_received') }}
    where feed in (select feed from feeds where slots_by = 'polls')

),

expected_objects as (

    select objects.feed, objects.object_id
    from {{ ref('int_slot_objects') }} as objects
    inner join feeds using (feed)
    where feeds.slots_by <> 'polls' or objects.feed in (select feed from polled)
    union all
    select heard.feed, heard.object_id
    from heard
    inner join feeds using (feed)
    where not feeds.has_register

),

received_slots as (

    select
        received.feed,
        received.object_id,
        count(*) as slots
    from received
    inner join feeds
        on received.feed = feeds.feed
        and received.slot_number < feeds.first_slot_after
        and received.slot_number >= feeds.first_slot_after - feeds.slots_per_object
    group by received.feed, received.object_id

),

final as (

    select
        feeds.feed,
        cast(sum(feeds.slots_per_object) as bigint) as expected_slots,
        cast(sum(coalesce(received_slots.slots, 0)) as bigint) as received_slots
    from expected_objects
    inner join feeds using (feed)
    left join received_slots
        on expected_objects.feed = received_slots.feed
        and expected_objects.object_id = received_slots.object_id
    group by feeds.feed

)

select * from final
