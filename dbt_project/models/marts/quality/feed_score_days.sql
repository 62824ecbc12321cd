{{ config(materialized='incremental', unique_key='local_date', on_schema_change='fail') }}

-- What nothing was evaluated for is NULL, and weighs nothing: unknown is not 100. A window that was asked for and holds nothing new is no empty
-- delivery: the source answered, and was heard up to the window's end.
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

deliveries as (

    select * from {{ ref('stg_quality__deliveries') }}

),

polls as (

    select * from {{ ref('stg_quality__polls') }}

),

object_results as (

    select * from {{ ref('stg_quality__object_results') }}

),

rules as (

    select * from {{ ref('column_score_days') }}
    where local_date in (select local_date from days)

),

slots as (

    select
        slot_days.feed,
        days.local_date,
        cast(sum(slot_days.received_slots + slot_days.missing_slots) as bigint) as expected_slots,
        sum(slot_days.received_slots) as placed_slots
    from {{ ref('slot_days') }} as slot_days
    inner join feeds on slot_days.feed = feeds.feed
    inner join days on {{ days_after('slot_days.local_date', slot_due_days()) }} = days.local_date
    group by slot_days.feed, days.local_date

),

unplaced as (

    select
        object_results.feed,
        days.local_date,
        sum(object_results.unplaced_slots) as slots
    from object_results
    inner join feeds on object_results.feed = feeds.feed
    inner join days
        on object_results.loaded_at > {{ minutes_after('days.window_start_at', '-1440 * ' ~ slot_due_days()) }}
        and object_results.loaded_at <= {{ minutes_after('days.scored_at', '-1440 * ' ~ slot_due_days()) }}
    group by object_results.feed, days.local_date

),

delivery_counts as (

    select
        deliveries.feed,
        days.local_date,
        count(*) as deliveries,
        count(*) filter (where deliveries.status = 'empty' and polls.delivery_id is null) as empty_deliveries,
        count(*) filter (where deliveries.status = 'empty' and polls.delivery_id is not null) as quiet_polls,
        count(*) filter (where deliveries.status = 'unreadable') as unreadable_deliveries,
        count(*) filter (where deliveries.status = 'loaded' or deliveries.status = 'empty' and polls.delivery_id is null) as readable_deliveries,
        cast(sum(deliveries.received) as bigint) as received_records,
        cast(sum(deliveries.accepted) as bigint) as accepted_records,
        cast(sum(deliveries.duplicate) as bigint) as duplicate_records,
        cast(sum(deliveries.quarantined) as bigint) as quarantined_records
    from deliveries
    left join polls
        on deliveries.feed = polls.feed
        and deliveries.delivery_id = polls.delivery_id
    inner join days
        on deliveries.loaded_at > days.window_start_at
        and deliveries.loaded_at <= days.scored_at
    group by deliveries.feed, days.local_date

),

record_counts as (

    select
        object_results.feed,
        days.local_date,
        cast(sum(object_results.garbage) as bigint) as garbage_records,
        cast(sum(object_results.late) as bigint) as late_records
    from object_results
    inner join days
        on object_results.loaded_at > days.window_start_at
        and object_results.loaded_at <= days.scored_at
    group by object_results.feed, days.local_date

),

loads as (

    select feed, loaded_at, last_event_at from deliveries
    union all
    select feed, loaded_at, last_event_at from {{ ref('stg_quality__replays') }}

),

last_events as (

    select loads.feed, days.local_date, max(loads.last_event_at) as last_event_at
    from loads
    inner join days on loads.loaded_at <= days.scored_at
    group by loads.feed, days.local_date

),

heard as (

    select feed, loaded_at, last_heard_at from object_results
    union all
    select deliveries.feed, deliveries.loaded_at, polls.window_end_at as last_heard_at
    from deliveries
    inner join polls
        on deliveries.feed = polls.feed
        and deliveries.delivery_id = polls.delivery_id
    where deliveries.status in ('loaded', 'empty')

),

last_heard as (

    select heard.feed, days.local_date, max(heard.last_heard_at) as last_heard_at
    from heard
    inner join days on heard.loaded_at <= days.scored_at
    group by heard.feed, days.local_date

),

counted as (

    select
        feeds.*,
        days.local_date,
        days.scored_at,
        slots.expected_slots,
        cast({{ least_known('slots.placed_slots + coalesce(unplaced.slots, 0)', 'slots.expected_slots') }} as bigint) as received_slots,
        coalesce(delivery_counts.deliveries, 0) as deliveries,
        coalesce(delivery_counts.empty_deliveries, 0) as empty_deliveries,
        coalesce(delivery_counts.quiet_polls, 0) as quiet_polls,
        coalesce(delivery_counts.unreadable_deliveries, 0) as unreadable_deliveries,
        coalesce(delivery_counts.readable_deliveries, 0) as readable_deliveries,
        coalesce(delivery_counts.received_records, 0) as received_records,
        coalesce(delivery_counts.accepted_records, 0) as accepted_records,
        coalesce(delivery_counts.duplicate_records, 0) as duplicate_records,
        coalesce(delivery_counts.quarantined_records, 0) as quarantined_records,
        coalesce(record_counts.garbage_records, 0) as garbage_records,
        coalesce(record_counts.late_records, 0) as late_records,
        last_events.last_event_at,
        60 * {{ hours_between('last_events.last_event_at', 'days.scored_at') }} as age_minutes,
        60 * {{ hours_between('last_heard.last_heard_at', 'days.scored_at') }} as heard_minutes_ago
    from days
    cross join feeds
    left join slots on feeds.feed = slots.feed and days.local_date = slots.local_date
    left join unplaced on feeds.feed = unplaced.feed and days.local_date = unplaced.local_date
    left join delivery_counts on feeds.feed = delivery_counts.feed and days.local_date = delivery_counts.local_date
    left join record_counts on feeds.feed = record_counts.feed and days.local_date = record_counts.local_date
    left join last_events on feeds.feed = last_events.feed and days.local_date = last_events.local_date
    left join last_heard on feeds.feed = last_heard.feed and days.local_date = last_heard.local_date

),

components as (

    select feed, local_date, axis, 'rules' as component, {{ six_decimals('avg(percent)') }} as percent
    from rules
    group by feed, local_date, axis
    union all
    select
        feed, local_date, 'complete' as axis, 'slots' as component,
        {{ passed_percent('expected_slots - received_slots', 'expected_slots') }} as percent
    from counted
    union all
    select
        feed, local_date, 'complete' as axis, 'deliveries' as component, {{ passed_percent('empty_deliveries', 'readable_deliveries') }} as percent
    from counted
    union all
    select
        feed, local_date, 'clean' as axis, 'records' as component,
        {{ passed_percent('duplicate_records + garbage_records', 'received_records') }} as percent
    from counted
    union all
    select
        feed,
        local_date,
        'live' as axis,
        'age' as component,
        {{ live_percent('heard_minutes_ago', 'freshness_minutes', 'freshness_limit_minutes') }}
        * (1 - cast(late_records as double) / {{ greatest_known('accepted_records', 1) }})
        * (1 - cast(empty_deliveries as double) / {{ greatest_known('readable_deliveries', 1) }}) as percent
    from counted

),

axes as (

    select
        components.feed,
        components.local_date,
        components.axis,
        {{ weighted_mean('components.percent', 'weights.weight') }} as percent
    from components
    inner join weights on components.axis = weights.axis and components.component = weights.component
    group by components.feed, components.local_date, components.axis

),

scores as (

    select
        axes.feed,
        axes.local_date,
        max(axes.percent) filter (where axes.axis = 'correct') as correct,
        max(axes.percent) filter (where axes.axis = 'complete') as complete,
        max(axes.percent) filter (where axes.axis = 'clean') as clean,
        max(axes.percent) filter (where axes.axis = 'live') as live,
        max(axes.percent) filter (where axes.axis = 'consistent') as consistent,
        {{ weighted_mean('axes.percent', 'weights.weight') }} as score
    from axes
    inner join weights on axes.axis = weights.component and weights.axis = 'score'
    group by axes.feed, axes.local_date

),

identifiers as (

    select
        feed,
        local_date,
        100e0 * (sum(evaluated) - sum(failed)) / nullif(sum(evaluated), 0) as identifier_percent
    from rules
    where is_identifier
    group by feed, local_date

),

identifier_columns as (

    select feed, local_date, column_name, sum(failed) as failed, max(evaluated) as evaluated
    from rules
    where is_identifier
    group by feed, local_date, column_name
    having sum(failed) > 0

),

failed_identifiers as (

    select feed, local_date, {{ joined_texts(failed_identifier('column_name', 'failed', 'evaluated'), ', ') }} as failed_identifiers
    from identifier_columns
    group by feed, local_date

),

levels as (

    select
        counted.feed,
        counted.local_date,
        identifiers.identifier_percent,
        failed_identifiers.failed_identifiers,
        {{ score_level('scores.score', 'identifiers.identifier_percent') }} as level
    from counted
    cross join score_limits
    left join scores on counted.feed = scores.feed and counted.local_date = scores.local_date
    left join identifiers on counted.feed = identifiers.feed and counted.local_date = identifiers.local_date
    left join failed_identifiers
        on counted.feed = failed_identifiers.feed
        and counted.local_date = failed_identifiers.local_date

),

final as (

    select
        counted.feed,
        counted.domain,
        counted.label_vi,
        counted.owner,
        counted.local_date,
        counted.scored_at,
        {{ clock() }} as judged_at,
        scores.correct,
        scores.complete,
        scores.clean,
        scores.live,
        scores.consistent,
        scores.score,
        levels.level,
        {{ score_level_label('levels.level') }} as level_label,
        {{ level_reason('levels.level', 'scores', 'levels.failed_identifiers') }} as level_reason,
        levels.identifier_percent,
        counted.expected_slots,
        counted.received_slots,
        counted.expected_slots - counted.received_slots as missing_slots,
        counted.deliveries,
        counted.empty_deliveries,
        counted.quiet_polls,
        counted.unreadable_deliveries,
        counted.received_records,
        counted.accepted_records,
        counted.duplicate_records,
        counted.quarantined_records,
        counted.late_records,
        counted.last_event_at,
        counted.age_minutes,
        counted.freshness_minutes,
        counted.freshness_limit_minutes
    from counted
    cross join score_limits
    inner join levels on counted.feed = levels.feed and counted.local_date = levels.local_date
    left join scores on counted.feed = scores.feed and counted.local_date = scores.local_date

)

select * from final
