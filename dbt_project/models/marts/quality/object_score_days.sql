{{ config(materialized='incremental', unique_key='local_date', on_schema_change='fail') }}

{%- set known_days = var('score_known_days') %}

-- Loads of before the ledger told codes unknown to their lists and wrong identifiers leave both unknown.

with days as (

    {{ days_to_score() }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

weights as (

    select * from {{ ref('score_weights') }}

),

score_limits as (

    {{ score_limits() }}

),

results as (

    select * from {{ ref('stg_quality__object_results') }}
    where
        object_id is not null
        and loaded_at > (select min(scored_at) from days) - interval '{{ known_days }}' day

),

slots as (

    select
        slot_days.feed,
        slot_days.object_id,
        days.local_date,
        cast(slot_days.received_slots + slot_days.missing_slots as bigint) as expected_slots,
        slot_days.received_slots
    from {{ ref('slot_days') }} as slot_days
    inner join feeds on slot_days.feed = feeds.feed
    inner join days on {{ days_after('slot_days.local_date', slot_due_days()) }} = days.local_date
    where slot_days.object_id <> slot_days.feed

),

in_window as (

    select
        results.feed,
        results.object_id,
        days.local_date,
        cast(sum(results.received) as bigint) as received_records,
        cast(sum(results.accepted) as bigint) as accepted_records,
        cast(sum(results.duplicate) as bigint) as duplicate_records,
        cast(sum(results.quarantined) as bigint) as quarantined_records,
        cast(sum(results.wrong) as bigint) as wrong_records,
        cast(sum(results.missing) as bigint) as incomplete_records,
        cast(sum(results.garbage) as bigint) as garbage_records,
        cast(sum(results.inconsistent) as bigint) as inconsistent_records,
        cast(sum(results.misidentified) as bigint) as misidentified_records,
        cast(sum(results.late) as bigint) as late_records
    from results
    inner join days
        on results.loaded_at > days.window_start_at
        and results.loaded_at <= days.scored_at
    group by results.feed, results.object_id, days.local_date

),

unplaced as (

    select
        results.feed,
        results.object_id,
        days.local_date,
        sum(results.unplaced_slots) as slots
    from results
    inner join feeds on results.feed = feeds.feed
    inner join days
        on results.loaded_at > {{ minutes_after('days.window_start_at', '-1440 * ' ~ slot_due_days()) }}
        and results.loaded_at <= {{ minutes_after('days.scored_at', '-1440 * ' ~ slot_due_days()) }}
    group by results.feed, results.object_id, days.local_date

),

last_heard as (

    select
        results.feed,
        results.object_id,
        days.local_date,
        max(results.last_event_at) as last_event_at,
        max(results.last_heard_at) as last_heard_at
    from results
    inner join days
        on results.loaded_at <= days.scored_at
        and results.loaded_at > days.scored_at - interval '{{ known_days }}' day
    group by results.feed, results.object_id, days.local_date

),

known_objects as (

    select feed, object_id, local_date from slots
    union
    select feed, object_id, local_date from last_heard

),

counted as (

    select
        known_objects.*,
        days.scored_at,
        feeds.freshness_minutes,
        feeds.freshness_limit_minutes,
        slots.feed is not null as has_slots,
        slots.expected_slots,
        case
            when slots.feed is not null
                then {{ least_known('slots.received_slots + coalesce(unplaced.slots, 0)', 'slots.expected_slots') }}
        end as received_slots,
        coalesce(in_window.received_records, 0) as received_records,
        coalesce(in_window.accepted_records, 0) as accepted_records,
        coalesce(in_window.duplicate_records, 0) as duplicate_records,
        coalesce(in_window.quarantined_records, 0) as quarantined_records,
        coalesce(in_window.wrong_records, 0) as wrong_records,
        coalesce(in_window.incomplete_records, 0) as incomplete_records,
        coalesce(in_window.garbage_records, 0) as garbage_records,
        case when in_window.feed is null then 0 else in_window.inconsistent_records end as inconsistent_records,
        case when in_window.feed is null then 0 else in_window.misidentified_records end as misidentified_records,
        coalesce(in_window.late_records, 0) as late_records,
        last_heard.last_event_at,
        60 * {{ hours_between('last_heard.last_heard_at', 'days.scored_at') }} as heard_minutes_ago
    from known_objects
    inner join days on known_objects.local_date = days.local_date
    inner join feeds on known_objects.feed = feeds.feed
    left join slots
        on known_objects.feed = slots.feed
        and known_objects.object_id = slots.object_id
        and known_objects.local_date = slots.local_date
    left join in_window
        on known_objects.feed = in_window.feed
        and known_objects.object_id = in_window.object_id
        and known_objects.local_date = in_window.local_date
    left join unplaced
        on known_objects.feed = unplaced.feed
        and known_objects.object_id = unplaced.object_id
        and known_objects.local_date = unplaced.local_date
    left join last_heard
        on known_objects.feed = last_heard.feed
        and known_objects.object_id = last_heard.object_id
        and known_objects.local_date = last_heard.local_date

),

components as (

    select feed, object_id, local_date, 'correct' as axis, 'rules' as component,
        {{ passed_percent('wrong_records', 'received_records') }} as percent
    from counted
    union all
    select feed, object_id, local_date, 'consistent' as axis, 'rules' as component,
        case when inconsistent_records is not null then {{ passed_percent('inconsistent_records', 'received_records') }} end as percent
    from counted
    union all
    select feed, object_id, local_date, 'complete' as axis, 'rules' as component,
        {{ passed_percent('incomplete_records', 'received_records') }} as percent
    from counted
    union all
    select feed, object_id, local_date, 'complete' as axis, 'slots' as component,
        {{ passed_percent('expected_slots - received_slots', 'expected_slots') }} as percent
    from counted
    union all
    select feed, object_id, local_date, 'clean' as axis, 'records' as component,
        {{ passed_percent('duplicate_records + garbage_records', 'received_records') }} as percent
    from counted
    union all
    select
        feed,
        object_id,
        local_date,
        'live' as axis,
        'age' as component,
        case
            when has_slots
                then {{ live_percent('heard_minutes_ago', 'freshness_minutes', 'freshness_limit_minutes') }}
            when accepted_records > 0
                then 100.0
        end * (1 - cast(late_records as double) / {{ greatest_known('accepted_records', 1) }}) as percent
    from counted

),

axes as (

    select
        components.feed,
        components.object_id,
        components.local_date,
        components.axis,
        {{ weighted_mean('components.percent', 'weights.weight') }} as percent
    from components
    inner join weights on components.axis = weights.axis and components.component = weights.component
    group by components.feed, components.object_id, components.local_date, components.axis

),

scores as (

    select
        axes.feed,
        axes.object_id,
        axes.local_date,
        max(axes.percent) filter (where axes.axis = 'correct') as correct,
        max(axes.percent) filter (where axes.axis = 'complete') as complete,
        max(axes.percent) filter (where axes.axis = 'clean') as clean,
        max(axes.percent) filter (where axes.axis = 'live') as live,
        max(axes.percent) filter (where axes.axis = 'consistent') as consistent,
        {{ weighted_mean('axes.percent', 'weights.weight') }} as score
    from axes
    inner join weights on axes.axis = weights.component and weights.axis = 'score'
    group by axes.feed, axes.object_id, axes.local_date

),

identified as (

    select
        scores.*,
        case
            when counted.misidentified_records is not null
                then {{ passed_percent('counted.misidentified_records', 'counted.received_records') }}
        end as identifier_percent,
        case
            when counted.misidentified_records > 0
                then cast(counted.misidentified_records as varchar) || '/' || cast(counted.received_records as varchar) || ' bản ghi sai'
        end as failed_identifiers
    from scores
    inner join counted
        on scores.feed = counted.feed
        and scores.object_id = counted.object_id
        and scores.local_date = counted.local_date

),

levels as (

    select
        identified.*,
        {{ score_level('identified.score', 'identified.identifier_percent') }} as level
    from identified
    cross join score_limits

),

final as (

    select
        counted.feed,
        feeds.domain,
        feeds.label_vi,
        counted.object_id,
        counted.local_date,
        levels.correct,
        levels.complete,
        levels.clean,
        levels.live,
        levels.consistent,
        levels.score,
        levels.level,
        {{ score_level_label('levels.level') }} as level_label,
        {{ level_reason('levels.level', 'levels', 'levels.failed_identifiers') }} as level_reason,
        levels.identifier_percent,
        counted.expected_slots,
        cast(counted.received_slots as bigint) as received_slots,
        cast(counted.expected_slots - counted.received_slots as bigint) as missing_slots,
        counted.received_records,
        counted.accepted_records,
        counted.duplicate_records,
        counted.quarantined_records,
        counted.wrong_records,
        counted.incomplete_records,
        counted.garbage_records,
        counted.inconsistent_records,
        counted.misidentified_records,
        counted.late_records,
        counted.last_event_at,
        counted.scored_at,
        {{ clock() }} as judged_at
    from counted
    cross join score_limits
    inner join feeds on counted.feed = feeds.feed
    inner join levels
        on counted.feed = levels.feed
        and counted.object_id = levels.object_id
        and counted.local_date = levels.local_date

)

select * from final
