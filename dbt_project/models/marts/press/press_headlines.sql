-- The newest day may not be over: its counts are compared with nothing.
with latest as (

    select * from {{ ref('press_days') }}
    where is_latest

),

bursts as (

    select
        count(burst_limit) as judged_topics,
        count(case when is_burst then 1 end) as bursting_topics
    from {{ ref('press_topic_days') }}
    where is_latest

),

figures as (

    select
        'press_stories' as headline_id,
        cast(stories as double) as value,
        cast(null as double) as value_before,
        newest_article_at as newest_event_at,
        current_until_at
    from latest
    union all
    select
        'press_articles' as headline_id,
        cast(articles as double) as value,
        null as value_before,
        newest_article_at as newest_event_at,
        current_until_at
    from latest
    union all
    select
        'press_bursts' as headline_id,
        case when bursts.judged_topics > 0 then cast(bursts.bursting_topics as double) end as value,
        null as value_before,
        latest.newest_article_at as newest_event_at,
        latest.current_until_at
    from latest
    cross join bursts

),

final as (

    {{ headlines('press') }}

)

select * from final
