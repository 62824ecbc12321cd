with communes as (

    {{ commune_shapes() }}

),

danger as (

    select * from {{ ref('fire_danger_days') }}
    where is_latest

),

hotspots as (

    select
        latitude,
        longitude,
        commune_code,
        max(acquired_at) as acquired_at,
        {{ value_at_greatest('confidence_label', 'acquired_at') }} as confidence_label,
        {{ value_at_greatest('power_mw', 'acquired_at') }} as power_mw
    from {{ ref('fire_hotspots') }}
    where commune_code is not null and acquired_at > {{ clock() }} - interval '24' hour
    group by latitude, longitude, commune_code

),

final as (

    select
        communes.*,
        danger.local_date,
        danger.current_until_at,
        danger.fire_index,
        danger.dry_days,
        danger.level_label,
        cast(null as {{ instant_type() }}) as acquired_at,
        cast(null as varchar) as confidence_label,
        cast(null as double) as power_mw
    from communes
    left join danger on communes.commune_code = danger.commune_code
    union all
    select
        {{ point_shape(
            'hotspot', number_text('latitude', 5) ~ " || ' ' || " ~ number_text('longitude', 5), "'Điểm nóng'", 'commune_code',
            'latitude', 'longitude', var('map_point_km')
        ) }},
        null as local_date,
        null as current_until_at,
        null as fire_index,
        null as dry_days,
        null as level_label,
        acquired_at,
        confidence_label,
        power_mw
    from hotspots

)

select * from final
