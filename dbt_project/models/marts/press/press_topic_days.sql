-- A burst is more than the mean of the days before plus some deviations of them, and some articles at least; it is not known while one of these days
-- is not. A day that is not over can have burst already, and is not yet known not to have.
with days as (

    select * from {{ ref('press_days') }}

),

topics as (

    select topic_code, max(label_vi) as topic_label, max(label_en) as topic_label_en
    from {{ ref('press_topics') }}
    group by topic_code

),

counted as (

    select
        articles.local_date,
        told.topic_code,
        count(*) as articles,
        count(case when not articles.is_repetition then 1 end) as stories,
        count(distinct articles.source) as sources
    from {{ ref('int_press_article_topics') }} as told
    inner join {{ ref('int_press_articles') }} as articles on told.article_url = articles.article_url
    group by articles.local_date, told.topic_code

),

limits as (

    select
        max(case when in_force.level = 'deviations' then in_force.lo end) as deviations,
        max(case when in_force.level = 'least' then in_force.lo end) as least_articles
    from ({{ thresholds_in_force("thresholds.domain = 'press' and thresholds.key = 'burst'") }}) as in_force

),

listed as (

    select
        topics.topic_code,
        topics.topic_label,
        topics.topic_label_en,
        days.local_date,
        days.is_latest,
        days.current_until_at,
        days.newest_article_at,
        case when days.articles is not null then coalesce(counted.articles, 0) end as articles,
        case when days.articles is not null then coalesce(counted.stories, 0) end as stories,
        case when days.articles is not null then coalesce(counted.sources, 0) end as sources,
        days.articles as all_articles
    from topics
    cross join days
    left join counted on topics.topic_code = counted.topic_code and days.local_date = counted.local_date

),

compared as (

    select
        *,
        count(articles) over before as known_days,
        {{ days_between('min(local_date) over before', 'local_date') }} as reach_days,
        {{ six_decimals('avg(articles) over before') }} as mean_before,
        {{ six_decimals('stddev_samp(articles) over before') }} as deviation_before
    from listed
    window before as (
        partition by topic_code order by local_date rows between {{ var('press_burst_days') }} preceding and 1 preceding
    )

),

judged as (

    select
        compared.*,
        limits.least_articles,
        case
            when compared.known_days = {{ var('press_burst_days') }} and compared.reach_days = {{ var('press_burst_days') }}
                then {{ six_decimals('compared.mean_before + limits.deviations * compared.deviation_before') }}
        end as burst_limit
    from compared
    cross join limits

),

final as (

    select
        topic_code,
        topic_label,
        topic_label_en,
        local_date,
        is_latest,
        articles,
        stories,
        sources,
        100e0 * articles / nullif(all_articles, 0) as share_percent,
        case when burst_limit is not null then mean_before end as mean_before,
        burst_limit,
        case
            when burst_limit is null or articles is null then null
            when articles > burst_limit and articles >= least_articles then true
            when local_date < {{ local_date(clock()) }} then false
        end as is_burst,
        newest_article_at,
        current_until_at
    from judged

)

select * from final
