-- A silent feed makes its figures unknown: nothing seen is not the same as no fire.
with days as (

    select
        local_date,
        bool_or(is_latest) as is_latest,
        max(current_until_at) as current_until_at,
        count(level_number) as known_communes,
        count(*) as communes,
        count(case when level_number >= 4 then 1 end) as dangerous_communes,
        max(observed_at) as observed_at
    from {{ ref('fire_danger_days') }}
    group by local_date

),

latest as (

    select * from days
    where is_latest and current_until_at > {{ clock() }}

),

hotspots as (

    select
        count(case when is_alerting and acquired_at > {{ clock() }} - interval '24' hour then 1 end) as alerting,
        count(
            case
                when is_alerting and acquired_at between {{ clock() }} - interval '48' hour and {{ clock() }} - interval '24' hour then 1
            end
        ) as alerting_before,
        min(acquired_at) <= {{ clock() }} - interval '48' hour as is_compared,
        max(current_until_at) as current_until_at,
        max(acquired_at) as acquired_at
    from {{ ref('fire_hotspots') }}

),

figures as (

    select
        'dangerous_communes' as headline_id,
        case when latest.known_communes > 0 then cast(latest.dangerous_communes as double) end as value,
        case when before.known_communes > 0 then cast(before.dangerous_communes as double) end as value_before,
        latest.observed_at as newest_event_at,
        latest.current_until_at
    from latest
    left join days as before on before.local_date = latest.local_date - interval '1' day
    union all
    select
        'known_danger' as headline_id,
        100e0 * known_communes / nullif(communes, 0) as value,
        null as value_before,
        observed_at as newest_event_at,
        current_until_at
    from latest
    union all
    select
        'hotspots_24h' as headline_id,
        case when current_until_at > {{ clock() }} then cast(alerting as double) end as value,
        case when is_compared then cast(alerting_before as double) end as value_before,
        acquired_at as newest_event_at,
        current_until_at
    from hotspots

),

final as (

    {{ headlines('forest') }}

)

select * from final
