{{ config(materialized='incremental', unique_key=['feed', 'object_id', 'local_date'], on_schema_change='fail') }}

{%- set built = built_version('source_version') %}
{%- if is_incremental() %}
    {%- set oldest_open_day = literal_of('select min(local_date) from ' ~ this ~ ' where not is_closed', 'date', '9999-12-31') %}
{%- else %}
    {%- set oldest_open_day = "cast('0001-01-01' as date)" %}
{%- endif %}

-- A day is judged when it is new, while a slot of it is not yet due, and when something came for it: the cost follows the new. An object of a
-- register owes slots since its feed began, any other since it was first heard and until it has been silent for ten days. A feed begins with the
-- first slot that came within a month of its time: neither a backfill of years nor a logger whose clock fell back makes years expected.
with feeds as (

    select * from {{ ref('feeds') }}
    where slots_by <> 'unknown'

),

received as (

    select * from {{ ref('int_slots_received') }}

),

calendar_days as (

    select * from {{ ref('int_calendar_days') }}

),

new_slots as (

    select
        received.*,
        {{ start_of_local_slot('received.slot_number', 'feeds.cadence_minutes') }} as slot_start_at,
        feeds.has_register
    from received
    inner join feeds on received.feed = feeds.feed
    where received._source_version > {{ built }}

),

new_beginnings as (

    select feed, case when has_register then feed else object_id end as beginner, min(slot_start_at) as expected_from_at
    from new_slots
    where first_received_at <= slot_start_at + interval '{{ var("slot_start_days") }}' day
    group by feed, case when has_register then feed else object_id end

),

known_beginnings as (

    {%- if is_incremental() %}

    select days.feed, case when feeds.has_register then days.feed else days.object_id end as beginner, min(days.expected_from_at) as expected_from_at
    from {{ this }} as days
    inner join feeds on days.feed = feeds.feed
    group by days.feed, case when feeds.has_register then days.feed else days.object_id end
    {%- else %}

    select * from new_beginnings where false
    {%- endif %}

),

beginnings as (

    select
        coalesce(new_beginnings.feed, known_beginnings.feed) as feed,
        coalesce(new_beginnings.beginner, known_beginnings.beginner) as beginner,
        {{ least_known('new_beginnings.expected_from_at', 'known_beginnings.expected_from_at') }} as expected_from_at,
        coalesce(new_beginnings.expected_from_at < known_beginnings.expected_from_at, false) as has_moved
    from new_beginnings
    full join known_beginnings
        on new_beginnings.feed = known_beginnings.feed and new_beginnings.beginner = known_beginnings.beginner

),

spine as (

    {{ days_from_to('(select min(' ~ local_date('expected_from_at') ~ ') from beginnings)', newest_local_day()) }}

),

listed_days as (

    select objects.feed, objects.object_id, beginnings.expected_from_at, beginnings.has_moved, spine.local_date
    from {{ ref('int_slot_objects') }} as objects
    inner join beginnings on objects.feed = beginnings.feed
    inner join spine on spine.local_date >= {{ local_date('beginnings.expected_from_at') }}

),

heard_days as (

    select distinct received.feed, received.object_id, received.local_date
    from received
    inner join feeds on received.feed = feeds.feed
    inner join beginnings on received.feed = beginnings.feed and received.object_id = beginnings.beginner
    where
        not feeds.has_register
        and (
            beginnings.has_moved
            or received._source_version > {{ built }}
            or received.local_date >= {{ days_after(oldest_open_day, -var('silence_days')) }}
        )

),

followed_days as (

    select distinct heard_days.feed, heard_days.object_id, beginnings.expected_from_at, beginnings.has_moved, spine.local_date
    from heard_days
    inner join beginnings on heard_days.feed = beginnings.feed and heard_days.object_id = beginnings.beginner
    inner join spine
        on spine.local_date >= heard_days.local_date
        and spine.local_date <= {{ days_after('heard_days.local_date', var('silence_days')) }}
        and spine.local_date >= {{ local_date('beginnings.expected_from_at') }}

),

days as (

    select * from listed_days
    union all
    select * from followed_days

),

touched_days as (

    select distinct feed, object_id, local_date from new_slots

),

due_days as (

    select days.*
    from days
    {%- if is_incremental() %}
    left join {{ this }} as judged
        on days.feed = judged.feed
        and days.object_id = judged.object_id
        and days.local_date = judged.local_date
    left join touched_days
        on days.feed = touched_days.feed
        and days.object_id = touched_days.object_id
        and days.local_date = touched_days.local_date
    where
        judged.feed is null
        or not judged.is_closed
        or touched_days.feed is not null
        or days.has_moved
    {%- endif %}

),

spans as (

    select
        due_days.*,
        feeds.domain,
        feeds.label_vi,
        feeds.cadence_minutes,
        feeds.freshness_minutes,
        feeds.slots_calendar,
        {{ local_slot_number(
            minutes_after(start_of_local_day('due_days.local_date'), 'feeds.cadence_minutes') ~ " - interval '1' second", 'feeds.cadence_minutes'
        ) }} as first_slot_number,
        {{ local_slot_number(
            start_of_local_day(days_after('due_days.local_date', 1)) ~ " - interval '1' second", 'feeds.cadence_minutes'
        ) }} as last_slot_number
    from due_days
    inner join feeds on due_days.feed = feeds.feed

),

open_spans as (

    select *, {{ minutes_after(start_of_local_slot('last_slot_number + 1', 'cadence_minutes'), 'freshness_minutes') }} <= {{ clock() }} as is_closed
    from spans
    where
        first_slot_number <= last_slot_number
        and exists (
            select 1
            from calendar_days
            where
                calendar_days.calendar = spans.slots_calendar
                and calendar_days.local_date >= spans.local_date
                and calendar_days.local_date
                < {{ days_after('spans.local_date', greatest_known(1, whole_quotient('spans.cadence_minutes', 1440))) }}
        )

),

numbered as (

    select
        open_spans.*,
        numbers.number as slot_number,
        {{ start_of_local_slot('numbers.number', 'open_spans.cadence_minutes') }} as slot_start_at,
        {{ start_of_local_slot('numbers.number + 1', 'open_spans.cadence_minutes') }} as slot_end_at
    from open_spans
    cross join {{ numbers_from_to('open_spans.first_slot_number', 'open_spans.last_slot_number') }}

),

received_then as (

    select * from received
    where local_date in (select local_date from due_days)

),

slots as (

    select
        numbered.*,
        {{ minutes_after('numbered.slot_end_at', 'numbered.freshness_minutes') }} as due_at,
        {{ minutes_after('numbered.slot_end_at', 'numbered.freshness_minutes') }} <= {{ clock() }} as is_due,
        received_then.first_received_at,
        received_then.slot_number is not null as is_received,
        received_then._source_version
    from numbered
    left join received_then
        on numbered.feed = received_then.feed
        and numbered.object_id = received_then.object_id
        and numbered.slot_number = received_then.slot_number
    where numbered.slot_start_at >= numbered.expected_from_at and numbered.slot_end_at <= {{ clock() }}

),

final as (

    select
        feed,
        domain,
        label_vi,
        object_id,
        local_date,
        cast(count(*) as integer) as expected_slots,
        cast(count(*) filter (where is_received) as integer) as received_slots,
        cast(count(*) filter (where is_received and first_received_at > due_at) as integer) as late_slots,
        cast(count(*) filter (where not is_received and not is_due) as integer) as awaited_slots,
        cast(count(*) filter (where not is_received and is_due) as integer) as missing_slots,
        100e0 * count(*) filter (where is_received) / nullif(count(*) filter (where is_received or is_due), 0) as complete_percent,
        {{ sorted_list('slot_start_at', 'not is_received and is_due') }} as missing_starts,
        expected_from_at,
        is_closed,
        coalesce(max(_source_version), 0) as source_version
    from slots
    group by feed, domain, label_vi, object_id, local_date, expected_from_at, is_closed

)

select * from final
