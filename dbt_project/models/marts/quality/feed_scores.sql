-- Over the hours before the clock of the build. What nothing was evaluated for is NULL, and weighs nothing: unknown is not 100.
with feeds as (

    select * from {{ ref('feeds') }}

),

weights as (

    select * from {{ ref('score_weights') }}

),

deliveries as (

    select * from {{ ref('stg_quality__deliveries') }}

),

last_events as (

    select feed, max(last_event_at) as last_event_at
    from (
        select feed, last_event_at from deliveries
        union all
        select feed, last_event_at from {{ ref('stg_quality__replays') }}
    ) as loads
    group by feed

),

counts as (

    select
        feed,
        cast(sum(received) as bigint) as received_records,
        cast(sum(accepted) as bigint) as accepted_records,
        cast(sum(duplicate) as bigint) as duplicate_records,
        cast(sum(quarantined) as bigint) as quarantined_records,
        count(*) filter (where status = 'empty') as empty_deliveries,
        count(*) filter (where status in ('loaded', 'empty')) as readable_deliveries
    from deliveries
    where loaded_at > {{ clock() }} - interval '{{ var("score_window_hours") }} hours'
    group by feed

),

rules as (

    select
        feed,
        axis,
        rule,
        bool_or(is_identifier) as is_identifier,
        sum(evaluated) as evaluated,
        sum(failed) as failed
    from {{ ref('stg_quality__rule_results') }}
    where loaded_at > {{ clock() }} - interval '{{ var("score_window_hours") }} hours'
    group by feed, axis, rule

),

garbage as (

    select feed, sum(record_count) as records
    from {{ ref('stg_quality__quarantine_records') }}
    where
        error_group in (3, 4)
        and quarantined_at > {{ clock() }} - interval '{{ var("score_window_hours") }} hours'
    group by feed

),

slots as (

    select * from {{ ref('int_feed_slots') }}

),

ages as (

    select
        feeds.feed,
        last_events.last_event_at,
        60 * {{ hours_between('last_events.last_event_at', clock()) }} as age_minutes,
        {{ live_percent('60 * ' ~ hours_between('last_events.last_event_at', clock()), 'feeds.freshness_minutes', 'feeds.freshness_limit_minutes') }} as live_percent
    from feeds
    left join last_events using (feed)

),

components as (

    select feed, axis, 'rules' as component, avg(100.0 * (evaluated - failed) / evaluated) as percent
    from rules
    where evaluated > 0
    group by feed, axis
    union all
    select feed, 'complete' as axis, 'slots' as component, 100.0 * received_slots / nullif(expected_slots, 0) as percent
    from slots
    union all
    select
        feed,
        'complete' as axis,
        'deliveries' as component,
        100.0 * (readable_deliveries - empty_deliveries) / nullif(readable_deliveries, 0) as percent
    from counts
    union all
    select
        counts.feed,
        'clean' as axis,
        'records' as component,
        100.0 * greatest(counts.received_records - counts.duplicate_records - coalesce(garbage.records, 0), 0)
        / nullif(counts.received_records, 0) as percent
    from counts
    left join garbage using (feed)
    union all
    select feed, 'live' as axis, 'age' as component, live_percent as percent
    from ages

),

axes as (

    select
        components.feed,
        components.axis,
        {{ weighted_mean('components.percent', 'weights.weight') }} as percent
    from components
    inner join weights using (axis, component)
    group by components.feed, components.axis

),

scores as (

    select
        axes.feed,
        max(axes.percent) filter (where axes.axis = 'correct') as correct,
        max(axes.percent) filter (where axes.axis = 'complete') as complete,
        max(axes.percent) filter (where axes.axis = 'clean') as clean,
        max(axes.percent) filter (where axes.axis = 'live') as live,
        {{ weighted_mean('axes.percent', 'weights.weight') }} as score
    from axes
    inner join weights on axes.axis = weights.component and weights.axis = 'score'
    group by axes.feed

),

identifiers as (

    select feed, 100.0 * (sum(evaluated) - sum(failed)) / nullif(sum(evaluated), 0) as identifier_percent
    from rules
    where is_identifier
    group by feed

),

levels as (

    select
        feeds.feed,
        {{ score_level('scores.score', 'identifiers.identifier_percent') }} as level
    from feeds
    left join scores using (feed)
    left join identifiers using (feed)

),

final as (

    select
        feeds.feed,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        {{ clock() }} as scored_at,
        scores.correct,
        scores.complete,
        scores.clean,
        scores.live,
        scores.score,
        levels.level,
        case levels.level
            when 'green' then 'Xanh'
            when 'yellow' then 'Vàng'
            when 'red' then 'Đỏ'
            else 'Không rõ'
        end as level_label,
        identifiers.identifier_percent,
        slots.expected_slots,
        slots.received_slots,
        coalesce(counts.received_records, 0) as received_records,
        coalesce(counts.accepted_records, 0) as accepted_records,
        coalesce(counts.duplicate_records, 0) as duplicate_records,
        coalesce(counts.quarantined_records, 0) as quarantined_records,
        ages.last_event_at,
        ages.age_minutes,
        feeds.freshness_minutes,
        feeds.freshness_limit_minutes
    from feeds
    inner join levels using (feed)
    inner join ages using (feed)
    left join scores using (feed)
    left join identifiers using (feed)
    left join slots using (feed)
    left join counts using (feed)

)

select * from final
