-- The index now is that of stations whose newest hour is still current; a day before means the same hour.
with hours as (

    select * from {{ ref('air_quality_hours') }}

),

worst as (

    select
        max(vn_aqi) as vn_aqi,
        max(hour_at) as hour_at,
        max(current_until_at) as current_until_at
    from hours
    where is_latest and current_until_at > {{ clock() }}

),

worst_before as (

    select max(hours.vn_aqi) as vn_aqi
    from hours
    inner join worst on hours.hour_at = worst.hour_at - interval '24' hour

),

gauges as (

    select
        count(case when alarm_level >= 1 then 1 end) as alarmed,
        count(*) as heard,
        max(measured_at) as measured_at,
        max(current_until_at) as current_until_at
    from {{ ref('river_levels') }}
    where is_latest and current_until_at > {{ clock() }}

),

uptimes as (

    select
        local_date,
        bool_or(is_latest) as is_latest,
        100e0 * sum(valid_slots) / nullif(sum(expected_slots), 0) as uptime_percent,
        max(last_reading_at) as last_reading_at
    from {{ ref('station_uptime_days') }}
    group by local_date

),

figures as (

    select
        'worst_air' as headline_id,
        cast(worst.vn_aqi as double) as value,
        cast(worst_before.vn_aqi as double) as value_before,
        worst.hour_at as newest_event_at,
        worst.current_until_at
    from worst
    cross join worst_before
    union all
    select
        'alarmed_gauges' as headline_id,
        case when heard > 0 then cast(alarmed as double) end as value,
        null as value_before,
        measured_at as newest_event_at,
        current_until_at
    from gauges
    union all
    select
        'station_uptime' as headline_id,
        today.uptime_percent as value,
        yesterday.uptime_percent as value_before,
        today.last_reading_at as newest_event_at,
        null as current_until_at
    from uptimes as today
    left join uptimes as yesterday on yesterday.local_date = today.local_date - interval '1' day
    where today.is_latest

),

final as (

    {{ headlines('environment') }}

)

select * from final
