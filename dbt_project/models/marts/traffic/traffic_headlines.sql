-- A day of congestion is that of all sections together; deaths of the running month stand against the same days a year before.
with days as (

    select * from {{ ref('traffic_days') }}
    where is_latest

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'traffic.flows'

),

closures as (

    select
        count(
            case
                when is_closed and not is_suspended and starts_at <= {{ clock() }} and (ends_at is null or ends_at > {{ clock() }}) then 1
            end
        ) as closed_roads,
        max(version_at) as newest_event_at,
        max(current_until_at) as current_until_at
    from {{ ref('road_closures') }}

),

figures as (

    select
        'congestion_minutes' as headline_id,
        cast(sum(days.congestion_minutes) as double) as value,
        cast(null as double) as value_before,
        max(days.newest_slot_at) as newest_event_at,
        {{ minutes_after('max(days.newest_slot_at)', 'max(feeds.freshness_limit_minutes)') }} as current_until_at
    from days
    cross join feeds
    union all
    select
        'traffic_deaths' as headline_id,
        cast(months.deaths as double) as value,
        cast(months.deaths_last_year as double) as value_before,
        (select max(newest_update_at) from {{ ref('accident_groups') }}) as newest_event_at,
        null as current_until_at
    from {{ ref('accident_months') }} as months
    where months.is_latest
    union all
    select
        'closed_roads' as headline_id,
        case when current_until_at > {{ clock() }} then cast(closed_roads as double) end as value,
        null as value_before,
        newest_event_at,
        current_until_at
    from closures

),

final as (

    {{ headlines('traffic') }}

)

select * from final
