-- Every agency that owns a feed, those that sent nothing too: unknown is neither 0 nor 100, and has no rank.
with days as (

    select
        *,
        {{ month_of('local_date') }} as month_date
    from {{ ref('feed_score_days') }}

),

owners as (

    select feed, owner from {{ ref('feeds') }}

),

weights as (

    select * from {{ ref('score_weights') }}
    where axis = 'score'

),

score_limits as (

    {{ score_limits() }}

),

promises as (

    select
        owners.owner,
        {{ month_of('rules.local_date') }} as month_date,
        sum(rules.evaluated) filter (where rules.axis = 'correct') as correct_evaluated,
        sum(rules.failed) filter (where rules.axis = 'correct') as correct_failed,
        sum(rules.evaluated) filter (where rules.axis = 'complete') as complete_evaluated,
        sum(rules.failed) filter (where rules.axis = 'complete') as complete_failed,
        sum(rules.evaluated) filter (where rules.axis = 'clean') as clean_evaluated,
        sum(rules.failed) filter (where rules.axis = 'clean') as clean_failed,
        sum(rules.evaluated) filter (where rules.axis = 'consistent') as consistent_evaluated,
        sum(rules.failed) filter (where rules.axis = 'consistent') as consistent_failed,
        100e0 * (sum(rules.evaluated) filter (where rules.is_identifier) - sum(rules.failed) filter (where rules.is_identifier))
        / nullif(sum(rules.evaluated) filter (where rules.is_identifier), 0) as identifier_percent
    from {{ ref('column_score_days') }} as rules
    inner join owners on rules.feed = owners.feed
    group by owners.owner, {{ month_of('rules.local_date') }}

),

identifier_columns as (

    select
        owners.owner,
        {{ month_of('rules.local_date') }} as month_date,
        rules.feed || '.' || rules.column_name as column_name,
        sum(rules.failed) as failed,
        sum(rules.evaluated) as evaluated
    from {{ ref('column_score_days') }} as rules
    inner join owners on rules.feed = owners.feed
    where rules.is_identifier
    group by owners.owner, {{ month_of('rules.local_date') }}, rules.feed, rules.column_name
    having sum(rules.failed) > 0

),

failed_identifiers as (

    select owner, month_date, {{ joined_texts(failed_identifier('column_name', 'failed', 'evaluated'), ', ') }} as failed_identifiers
    from identifier_columns
    group by owner, month_date

),

latest as (

    select
        month_date,
        max(local_date) as local_date
    from days
    group by month_date

),

months as (

    select
        days.owner,
        days.month_date,
        count(distinct days.feed) as feeds,
        count(distinct days.feed) filter (where days.received_records > 0) as heard_feeds,
        count(distinct days.local_date) as scored_days,
        {{ six_decimals('avg(days.correct)') }} as correct,
        {{ six_decimals('avg(days.complete)') }} as complete,
        {{ six_decimals('avg(days.clean)') }} as clean,
        {{ six_decimals('avg(days.live)') }} as live,
        {{ six_decimals('avg(days.consistent)') }} as consistent,
        sum(days.expected_slots) as expected_slots,
        sum(days.missing_slots) as missing_slots,
        sum(days.deliveries) as deliveries,
        sum(days.empty_deliveries) as empty_deliveries,
        sum(days.received_records) as received_records,
        sum(days.duplicate_records) as duplicate_records,
        sum(days.quarantined_records) as quarantined_records,
        sum(days.late_records) as late_records,
        max(days.last_event_at) as last_event_at,
        max(days.age_minutes) filter (where days.local_date = latest.local_date) as oldest_age_minutes
    from days
    inner join latest on days.month_date = latest.month_date
    group by days.owner, days.month_date

),

axes as (

    select owner, month_date, 'correct' as axis, correct as percent from months
    union all
    select owner, month_date, 'complete' as axis, complete as percent from months
    union all
    select owner, month_date, 'clean' as axis, clean as percent from months
    union all
    select owner, month_date, 'live' as axis, live as percent from months
    union all
    select owner, month_date, 'consistent' as axis, consistent as percent from months

),

scores as (

    select
        axes.owner,
        axes.month_date,
        {{ weighted_mean('axes.percent', 'weights.weight') }} as score
    from axes
    inner join weights on axes.axis = weights.component
    group by axes.owner, axes.month_date

),

ranked as (

    select
        scores.owner,
        scores.month_date,
        scores.score,
        promises.identifier_percent,
        case
            when scores.score is not null
                then rank() over (partition by scores.month_date order by scores.score desc nulls last)
        end as league_rank,
        {{ score_level('scores.score', 'promises.identifier_percent') }} as level
    from scores
    cross join score_limits
    left join promises on scores.owner = promises.owner and scores.month_date = promises.month_date

),

final as (

    select
        months.owner,
        months.month_date,
        months.month_date = (select max(month_date) from latest) as is_latest,
        ranked.league_rank,
        ranked.score,
        months.correct,
        months.complete,
        months.clean,
        months.live,
        months.consistent,
        ranked.level,
        {{ score_level_label('ranked.level') }} as level_label,
        {{ level_reason('ranked.level', 'months', 'failed_identifiers.failed_identifiers') }} as level_reason,
        ranked.identifier_percent,
        months.feeds,
        months.heard_feeds,
        months.scored_days,
        cast(coalesce(promises.correct_evaluated, 0) as bigint) as correct_evaluated,
        cast(coalesce(promises.correct_failed, 0) as bigint) as correct_failed,
        cast(coalesce(promises.complete_evaluated, 0) as bigint) as complete_evaluated,
        cast(coalesce(promises.complete_failed, 0) as bigint) as complete_failed,
        cast(coalesce(promises.clean_evaluated, 0) as bigint) as clean_evaluated,
        cast(coalesce(promises.clean_failed, 0) as bigint) as clean_failed,
        cast(coalesce(promises.consistent_evaluated, 0) as bigint) as consistent_evaluated,
        cast(coalesce(promises.consistent_failed, 0) as bigint) as consistent_failed,
        cast(months.expected_slots as bigint) as expected_slots,
        cast(months.missing_slots as bigint) as missing_slots,
        cast(months.deliveries as bigint) as deliveries,
        cast(months.empty_deliveries as bigint) as empty_deliveries,
        cast(months.received_records as bigint) as received_records,
        cast(months.duplicate_records as bigint) as duplicate_records,
        cast(months.quarantined_records as bigint) as quarantined_records,
        cast(months.late_records as bigint) as late_records,
        months.last_event_at,
        months.oldest_age_minutes
    from months
    cross join score_limits
    inner join ranked on months.owner = ranked.owner and months.month_date = ranked.month_date
    left join promises on months.owner = promises.owner and months.month_date = promises.month_date
    left join failed_identifiers on months.owner = failed_identifiers.owner and months.month_date = failed_identifiers.month_date

)

select * from final
