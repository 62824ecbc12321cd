with object_days as (

    select * from {{ ref('object_score_days') }}
    where local_date > {{ days_after(newest_local_day(), -var('offender_days')) }} and score is not null

),

feeds as (

    select * from {{ ref('feeds') }}

),

objects as (

    select
        feed,
        object_id,
        count(*) as known_days,
        count(*) filter (where level = 'red') as red_days,
        count(*) filter (where level = 'yellow') as yellow_days,
        {{ six_decimals('avg(score)') }} as mean_score,
        min(score) as lowest_score,
        max(local_date) filter (where level = 'red') as last_red_date,
        {{ value_at_greatest('level_reason', 'local_date', "level = 'red'") }} as last_reason
    from object_days
    group by feed, object_id

),

final as (

    select
        objects.feed,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        objects.object_id,
        objects.known_days,
        objects.red_days,
        objects.yellow_days,
        100e0 * objects.red_days / nullif(objects.known_days, 0) as red_percent,
        objects.mean_score,
        objects.lowest_score,
        objects.last_red_date,
        objects.last_reason,
        objects.red_days >= {{ var('offender_red_days') }} as is_repeat
    from objects
    inner join feeds on objects.feed = feeds.feed
    where objects.red_days > 0

)

select * from final
