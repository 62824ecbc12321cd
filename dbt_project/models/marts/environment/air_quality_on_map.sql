-- A commune is as bad as the worst of its stations in the newest hour that any of them has.
with communes as (

    {{ commune_shapes() }}

),

stations as (

    select * from {{ ref('stations') }}
    where kind = 'air'

),

hours as (

    select * from {{ ref('air_quality_hours') }}
    where is_latest

),

newest_hours as (

    select commune_code, max(hour_at) as hour_at
    from hours
    group by commune_code

),

commune_hours as (

    select
        hours.commune_code,
        hours.hour_at,
        max(hours.current_until_at) as current_until_at,
        max(hours.vn_aqi) as vn_aqi,
        {{ value_at_greatest('hours.band_label', 'hours.vn_aqi') }} as band_label,
        count(*) as stations
    from hours
    inner join newest_hours on hours.commune_code = newest_hours.commune_code and hours.hour_at = newest_hours.hour_at
    group by hours.commune_code, hours.hour_at

),

final as (

    select
        communes.*,
        commune_hours.hour_at,
        commune_hours.current_until_at,
        commune_hours.vn_aqi,
        commune_hours.band_label,
        commune_hours.stations
    from communes
    left join commune_hours on communes.commune_code = commune_hours.commune_code
    union all
    select
        {{ point_shape(
            'station', 'stations.station_id', 'stations.station_name', 'stations.commune_code', 'stations.latitude', 'stations.longitude',
            var('map_point_km')
        ) }},
        hours.hour_at,
        hours.current_until_at,
        hours.vn_aqi,
        hours.band_label,
        null as stations
    from stations
    left join hours on stations.station_id = hours.station_id
    where stations.latitude is not null and stations.longitude is not null

)

select * from final
