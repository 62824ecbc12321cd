-- A silent feed makes its figures unknown.
with rain as (

    select
        max(case when is_latest then rain_24h_mm end) as rain_24h_mm,
        max(case when is_latest then hour_end_at end) as newest_event_at,
        max(current_until_at) as current_until_at
    from {{ ref('rain_hours') }}

),

rain_before as (

    select max(hours.rain_24h_mm) as rain_24h_mm
    from {{ ref('rain_hours') }} as hours
    inner join rain on hours.hour_end_at = rain.newest_event_at - interval '24' hour

),

reservoirs as (

    select
        count(case when is_spilling then 1 end) as spilling,
        count(is_spilling) as known,
        max(measured_at) as newest_event_at,
        max(current_until_at) as current_until_at
    from {{ ref('reservoir_levels') }}
    where is_latest and current_until_at > {{ clock() }}

),

risks as (

    select
        max(risk_level) as risk_level,
        max(hour_end_at) as newest_event_at,
        max(current_until_at) as current_until_at
    from {{ ref('landslide_risks') }}
    where current_until_at > {{ clock() }}

),

figures as (

    select
        'rain_24h' as headline_id,
        case when rain.current_until_at > {{ clock() }} then rain.rain_24h_mm end as value,
        rain_before.rain_24h_mm as value_before,
        rain.newest_event_at,
        rain.current_until_at
    from rain
    cross join rain_before
    union all
    select
        'reservoirs_spilling' as headline_id,
        case when known > 0 then cast(spilling as double) end as value,
        null as value_before,
        newest_event_at,
        current_until_at
    from reservoirs
    union all
    select
        'landslide_risk' as headline_id,
        cast(risk_level as double) as value,
        null as value_before,
        newest_event_at,
        current_until_at
    from risks

),

final as (

    {{ headlines('water') }}

)

select * from final
