-- The level is that of the newest hour whose rain of 24 hours is known at the station of the commune. Below the rain from which the matrix begins
-- there is no risk by it; where a cell was not seen, or the days before are not known, there is no telling.
with zones as (

    select * from {{ ref('landslide_zones') }}

),

cells as (

    select * from {{ ref('landslide_risk_cells') }}

),

lowest as (

    select min(rain_from_mm) as rain_from_mm from cells

),

communes as (

    select * from {{ ref('communes') }}

),

levels as (

    select * from {{ ref('disaster_risk_levels') }}

),

known_hours as (

    select
        *,
        row_number() over (partition by station_id order by hour_end_at desc) as hours_ago
    from {{ ref('rain_hours') }}
    where rain_24h_mm is not null

),

movements as (

    select
        commune_code,
        cast(count(*) as bigint) as sensors,
        cast(count(case when current_until_at > {{ clock() }} then movement_level end) as bigint) as known_sensors,
        max(case when current_until_at > {{ clock() }} then movement_level end) as movement_level,
        min(case when current_until_at > {{ clock() }} and movement_level is not null then current_until_at end) as movement_until_at
    from {{ ref('slope_movements') }}
    group by commune_code

),

judged as (

    select
        zones.*,
        hours.hour_end_at,
        hours.current_until_at,
        hours.rain_24h_mm,
        hours.rainy_days_before,
        case when hours.rain_24h_mm < lowest.rain_from_mm then 0 else cells.risk_level end as risk_level
    from zones
    cross join lowest
    left join known_hours as hours on zones.rain_station_id = hours.station_id and hours.hours_ago = 1
    left join cells
        on zones.region_code = cells.region_code
        and zones.susceptibility_code = cells.susceptibility_code
        and hours.rain_24h_mm >= cells.rain_from_mm
        and (cells.rain_below_mm is null or hours.rain_24h_mm < cells.rain_below_mm)
        and (cells.rainy_days_from is null or hours.rainy_days_before >= cells.rainy_days_from)
        and (cells.rainy_days_to is null or hours.rainy_days_before <= cells.rainy_days_to)

),

final as (

    select
        judged.commune_code,
        communes.commune_name,
        judged.region_code,
        judged.susceptibility_code,
        judged.susceptibility_label,
        judged.rain_station_id,
        judged.hour_end_at,
        judged.current_until_at,
        judged.rain_24h_mm,
        judged.rainy_days_before,
        judged.risk_level,
        case judged.risk_level when 0 then 'Dưới cấp 1' else levels.label_vi end as risk_label,
        case
            when judged.risk_level is not null then null
            when judged.rain_24h_mm is null then 'Chưa biết lượng mưa 24 giờ'
            when judged.rainy_days_before is null then 'Chưa biết mưa những ngày trước'
            else 'Bảng cấp rủi ro chưa có ô này'
        end as unknown_reason,
        coalesce(movements.sensors, 0) as sensors,
        coalesce(movements.known_sensors, 0) as known_sensors,
        movements.movement_level,
        movements.movement_until_at
    from judged
    left join communes on judged.commune_code = communes.commune_code
    left join levels on judged.risk_level = levels.risk_level
    left join movements on judged.commune_code = movements.commune_code

)

select * from final
