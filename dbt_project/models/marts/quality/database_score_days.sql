-- DQI of a database (letter 4856/BCA-TTDLQG): the mean of its fields, here the feeds of a domain, each of the same weight. A feed without a score
-- weighs nothing.
with feed_days as (

    select * from {{ ref('feed_score_days') }}

),

score_limits as (

    {{ score_limits() }}

),

days as (

    select
        domain,
        local_date,
        count(*) as feeds,
        count(score) as known_feeds,
        count(*) filter (where level = 'green') as green_feeds,
        count(*) filter (where level = 'yellow') as yellow_feeds,
        count(*) filter (where level = 'red') as red_feeds,
        {{ six_decimals('avg(correct)') }} as correct,
        {{ six_decimals('avg(complete)') }} as complete,
        {{ six_decimals('avg(clean)') }} as clean,
        {{ six_decimals('avg(live)') }} as live,
        {{ six_decimals('avg(consistent)') }} as consistent,
        {{ six_decimals('avg(score)') }} as score,
        min(identifier_percent) as lowest_identifier_percent,
        {{ joined_texts("label_vi || ' - ' || level_reason", ' | ') }} as reasons
    from feed_days
    group by domain, local_date

),

levelled as (

    select
        days.*,
        {{ score_level('days.score', 'days.lowest_identifier_percent') }} as level
    from days
    cross join score_limits

),

final as (

    select
        domain,
        local_date,
        local_date = max(local_date) over () as is_latest,
        score,
        correct,
        complete,
        clean,
        live,
        consistent,
        level,
        {{ score_level_label('level') }} as level_label,
        case when level in ('yellow', 'red') then reasons end as level_reason,
        lowest_identifier_percent,
        feeds,
        known_feeds,
        green_feeds,
        yellow_feeds,
        red_feeds
    from levelled

)

select * from final
