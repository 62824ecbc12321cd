{{ config(materialized='incremental', on_schema_change='fail') }}

{%- set built = built_version() %}

-- Only ever appended to: a slot that was filled stays filled, and the first load that filled it is the one that counts. A window is read out of a
-- file's name, which may say anything: no collection asks for more than a year at once.
with feeds as (

    select * from {{ ref('feeds') }}

),

refused as (

    select
        refused.feed,
        case when feeds.slots_by = 'feed' then refused.feed else refused.object_id end as object_id,
        refused.event_at,
        refused.received_at,
        refused._source_version
    from {{ ref('stg_quality__slots_refused') }} as refused
    inner join feeds on refused.feed = feeds.feed
    where feeds.slots_by in ('object', 'feed')

),

sent as (

    select * from {{ ref('stg_quality__slots_sent') }}
    where _source_version > {{ built }}
    union all
    select * from refused
    where _source_version > {{ built }}

),

versions as (

    select
        sent.feed,
        sent.object_id,
        {{ local_slot_number('sent.event_at', 'feeds.cadence_minutes') }} as slot_number,
        min(sent.received_at) as received_at,
        sent._source_version
    from sent
    inner join feeds on sent.feed = feeds.feed
    where sent.event_at is not null and sent.object_id is not null
    group by
        sent.feed,
        sent.object_id,
        {{ local_slot_number('sent.event_at', 'feeds.cadence_minutes') }},
        sent._source_version

),

sent_slots as (

    select
        feed,
        object_id,
        slot_number,
        {{ value_at_least('received_at', '_source_version') }} as first_received_at,
        min(_source_version) as _source_version
    from versions
    group by feed, object_id, slot_number

),

polls as (

    select * from {{ ref('stg_quality__polls') }}
    where
        feed in (select feed from feeds where slots_by = 'polls')
        and window_start_at < window_end_at
        and window_end_at <= window_start_at + interval '366' day

),

new_polls as (

    select feed, min(window_start_at) as oldest_start_at
    from polls
    where _source_version > {{ built }}
    group by feed

),

windows as (

    select
        polls.feed,
        polls.window_start_at,
        polls.window_end_at,
        min(polls.received_at) as received_at,
        min(polls._source_version) as _source_version
    from polls
    inner join new_polls
        on polls.feed = new_polls.feed
        and polls.window_end_at >= new_polls.oldest_start_at - interval '1' day
    group by polls.feed, polls.window_start_at, polls.window_end_at

),

-- Windows that touch are one: a slot on the border of two was asked for by both together.
reaches as (

    select
        *,
        max(window_end_at) over (
            partition by feed order by window_start_at, window_end_at rows between unbounded preceding and 1 preceding
        ) as reached_at
    from windows

),

joined as (

    select
        *,
        sum(case when reached_at >= window_start_at then 0 else 1 end) over (
            partition by feed order by window_start_at, window_end_at
        ) as stretch
    from reaches

),

stretches as (

    select
        joined.feed,
        feeds.cadence_minutes,
        {{ local_slot_number(
            minutes_after('min(joined.window_start_at)', 'feeds.cadence_minutes') ~ " - interval '1' second", 'feeds.cadence_minutes'
        ) }} as first_slot_number,
        {{ local_slot_number('max(joined.window_end_at)', 'feeds.cadence_minutes') }} - 1 as last_slot_number
    from joined
    inner join feeds on joined.feed = feeds.feed
    group by joined.feed, joined.stretch, feeds.cadence_minutes

),

asked_slots as (

    select
        stretches.feed,
        numbers.number as slot_number,
        {{ start_of_local_slot('numbers.number + 1', 'stretches.cadence_minutes') }} as slot_end_at
    from stretches
    cross join {{ numbers_from_to('stretches.first_slot_number', 'stretches.last_slot_number') }}

),

polled_slots as (

    select
        asked_slots.feed,
        asked_slots.feed as object_id,
        asked_slots.slot_number,
        min(windows.received_at) as first_received_at,
        min(windows._source_version) as _source_version
    from asked_slots
    inner join windows
        on asked_slots.feed = windows.feed
        and windows.window_start_at < asked_slots.slot_end_at
        and windows.window_end_at >= asked_slots.slot_end_at
    group by asked_slots.feed, asked_slots.slot_number

),

slots as (

    select * from sent_slots
    union all
    select * from polled_slots

),

final as (

    select
        slots.feed,
        slots.object_id,
        slots.slot_number,
        {{ date_of_local_slot('slots.slot_number', 'feeds.cadence_minutes') }} as local_date,
        slots.first_received_at,
        slots._source_version
    from slots
    inner join feeds on slots.feed = feeds.feed
    {%- if is_incremental() %}
    left join {{ this }} as known
        on slots.feed = known.feed
        and slots.object_id = known.object_id
        and slots.slot_number = known.slot_number
    where known.feed is null
    {%- endif %}

)

select * from final
