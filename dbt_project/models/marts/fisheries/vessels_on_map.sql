-- A commune without a registered vessel has none, once the register is known.
with communes as (

    {{ commune_shapes() }}

),

fleets as (

    select * from {{ ref('fleet_communes') }}

),

register as (

    select count(*) > 0 as is_known from fleets

),

vessels as (

    select * from {{ ref('vessels_last_seen') }}
    where is_in_east_sea and latitude is not null and longitude is not null

),

final as (

    select
        communes.*,
        case when register.is_known then coalesce(fleets.registered_vessels, 0) end as registered_vessels,
        case when register.is_known then coalesce(fleets.silent_vessels, 0) end as silent_vessels,
        cast(null as varchar) as status_label,
        cast(null as {{ instant_type() }}) as last_fix_at,
        cast(null as double) as hours_since_fix
    from communes
    cross join register
    left join fleets on communes.commune_code = fleets.commune_code
    union all
    select
        {{ point_shape('vessel', 'vessel_key', 'vessel_id', 'commune_code', 'latitude', 'longitude', var('map_vessel_km')) }},
        null as registered_vessels,
        null as silent_vessels,
        status_label,
        last_fix_at,
        hours_since_fix
    from vessels

)

select * from final
