with communes as (

    {{ commune_shapes() }}

),

risks as (

    select * from {{ ref('landslide_risks') }}

),

points as (

    select
        {{ point_shape('sensor', 'sensor_id', 'sensor_name', 'commune_code', 'latitude', 'longitude', var('map_point_km')) }},
        current_until_at,
        case
            when movement_level >= 2 then 'Sườn dốc dịch chuyển mạnh'
            when movement_level = 1 then 'Sườn dốc dịch chuyển'
            when movement_level = 0 then 'Sườn dốc ổn định'
        end as point_label
    from {{ ref('slope_movements') }}
    union all
    select
        {{ point_shape('reservoir', 'reservoir_id', 'reservoir_name', 'commune_code', 'latitude', 'longitude', var('map_point_km')) }},
        current_until_at,
        case when is_spilling then 'Hồ đang tràn' when not is_spilling then 'Hồ không tràn' end as point_label
    from {{ ref('reservoir_levels') }}
    where is_latest

),

final as (

    select
        communes.*,
        risks.current_until_at,
        risks.risk_label,
        risks.rain_24h_mm,
        risks.unknown_reason,
        cast(null as varchar) as point_label
    from communes
    left join risks on communes.commune_code = risks.commune_code
    union all
    select
        place_level,
        place_code,
        place_name,
        commune_code,
        shape_number,
        shape,
        area_km2,
        current_until_at,
        null as risk_label,
        null as rain_24h_mm,
        null as unknown_reason,
        point_label
    from points

)

select * from final
