-- Objects of a register that owed a slot on the day; one of which nothing is due yet is neither heard nor silent.
with slot_days as (

    select * from {{ ref('slot_days') }}

),

objects as (

    select * from {{ ref('int_slot_objects') }}
    where object_id <> feed

),

feeds as (

    select * from {{ ref('feeds') }}

),

days as (

    select
        slot_days.feed,
        slot_days.local_date,
        count(*) as registered_objects,
        count(*) filter (where slot_days.received_slots > 0) as heard_objects,
        count(*) filter (where slot_days.received_slots = 0 and slot_days.missing_slots > 0) as silent_objects
    from slot_days
    inner join objects on slot_days.feed = objects.feed and slot_days.object_id = objects.object_id
    group by slot_days.feed, slot_days.local_date

),

final as (

    select
        days.feed,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        days.local_date,
        days.local_date = max(days.local_date) over (partition by days.feed) as is_latest,
        days.registered_objects,
        days.heard_objects,
        days.silent_objects,
        100e0 * days.heard_objects / nullif(days.heard_objects + days.silent_objects, 0) as coverage_percent
    from days
    inner join feeds on days.feed = feeds.feed

)

select * from final
