-- A day of which no article at all is known is one of a silent feed: its figures are not known.
with articles as (

    select * from {{ ref('int_press_articles') }}

),

days as (

    {{ days_of('select local_date from articles', '(select max(local_date) from articles)') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'press.articles'

),

counted as (

    select
        local_date,
        count(*) as articles,
        count(case when not is_repetition then 1 end) as stories,
        count(distinct source) as sources,
        count(case when is_zone_assumed then 1 end) as zone_assumed_articles,
        max(first_published_at) as newest_article_at
    from articles
    group by local_date

),

final as (

    select
        days.local_date,
        days.local_date = max(days.local_date) over () as is_latest,
        counted.articles,
        counted.stories,
        counted.articles - counted.stories as repeated_articles,
        counted.sources,
        counted.zone_assumed_articles,
        counted.newest_article_at,
        {{ minutes_after('max(counted.newest_article_at) over ()', 'feeds.freshness_limit_minutes') }} as current_until_at
    from days
    cross join feeds
    left join counted on days.local_date = counted.local_date

)

select * from final
