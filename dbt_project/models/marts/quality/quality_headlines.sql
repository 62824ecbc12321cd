with days as (

    select
        local_date,
        cast(count(case when level = 'red' then 1 end) as double) as red_feeds
    from {{ ref('feed_score_days') }}
    group by local_date

),

now_scored as (

    select
        cast(count(case when level = 'red' then 1 end) as double) as red_feeds,
        max(scored_at) as scored_at,
        max({{ local_date('scored_at') }}) as local_date
    from {{ ref('feed_scores') }}
    having count(*) > 0

),

books as (

    select cast(sum(open) as double) as open_records from {{ ref('ledger_totals') }}

),

slots as (

    select cast(count(*) as double) as missing from {{ ref('missing_slots') }}

),

figures as (

    select
        'red_feeds' as headline_id,
        now_scored.red_feeds as value,
        days.red_feeds as value_before,
        now_scored.scored_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from now_scored
    left join days on days.local_date = now_scored.local_date - interval '1' day
    union all
    select
        'quarantined_records' as headline_id,
        books.open_records as value,
        null as value_before,
        now_scored.scored_at as newest_event_at,
        null as current_until_at
    from now_scored
    cross join books
    union all
    select
        'missing_slots' as headline_id,
        slots.missing as value,
        null as value_before,
        now_scored.scored_at as newest_event_at,
        null as current_until_at
    from now_scored
    cross join slots

),

final as (

    {{ headlines('quality') }}

)

select * from final
