{{ config(materialized='incremental', unique_key='local_date', on_schema_change='fail') }}

-- A promise that was judged lately and not on a day is unknown on it.
with days as (

    {{ days_to_score() }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

error_groups as (

    select * from {{ ref('error_groups') }}

),

score_limits as (

    {{ score_limits() }}

),

results as (

    select * from {{ ref('stg_quality__rule_results') }}
    where loaded_at > (select min(scored_at) from days) - interval '{{ var("score_known_days") }}' day

),

judged as (

    select
        results.feed,
        results.rule,
        days.local_date,
        max(days.scored_at) as scored_at,
        max(results.column_name) as column_name,
        max(results.error_group) as error_group,
        bool_or(results.is_identifier) as is_identifier,
        cast(coalesce(sum(results.evaluated) filter (where results.loaded_at > days.window_start_at), 0) as bigint) as evaluated,
        cast(coalesce(sum(results.failed) filter (where results.loaded_at > days.window_start_at), 0) as bigint) as failed
    from results
    inner join days
        on results.loaded_at <= days.scored_at
        and results.loaded_at > days.scored_at - interval '{{ var("score_known_days") }}' day
    group by results.feed, results.rule, days.local_date

),

scored as (

    select
        *,
        {{ passed_percent('failed', 'evaluated') }} as percent
    from judged

),

levels as (

    select
        scored.*,
        {{ score_level('scored.percent', 'case when scored.is_identifier then scored.percent end') }} as level
    from scored
    cross join score_limits

),

final as (

    select
        levels.feed,
        feeds.domain,
        feeds.label_vi,
        levels.local_date,
        levels.rule,
        levels.column_name,
        levels.error_group,
        error_groups.axis,
        levels.is_identifier,
        levels.evaluated,
        levels.failed,
        levels.percent,
        levels.level,
        {{ score_level_label('levels.level') }} as level_label,
        levels.scored_at,
        {{ clock() }} as judged_at
    from levels
    inner join feeds on levels.feed = feeds.feed
    inner join error_groups on levels.error_group = error_groups.error_group

)

select * from final
