-- Vessels of the fleet alone: on the register, or with a satellite device; what else AIS hears sails by.
with vessels as (

    select
        case
            when port_code is not null then port_code
            when status_code = 'at_sea' then 'at_sea'
            else 'unknown'
        end as place_code,
        is_registered,
        is_obliged
    from {{ ref('fleet_vessels') }}
    where is_of_the_fleet

),

places as (

    select port_code as place_code, port_name as place_name, 'port' as place_kind
    from {{ ref('ports') }}
    union all
    select 'at_sea' as place_code, 'Trên biển' as place_name, 'sea' as place_kind
    union all
    select 'unknown' as place_code, 'Không thể biết' as place_name, 'unknown' as place_kind

),

counted as (

    select
        place_code,
        count(*) as vessels,
        count(*) filter (where is_registered) as registered_vessels,
        count(*) filter (where is_obliged) as obliged_vessels
    from vessels
    group by place_code

),

final as (

    select
        places.place_code,
        places.place_name,
        places.place_kind,
        coalesce(counted.vessels, 0) as vessels,
        coalesce(counted.registered_vessels, 0) as registered_vessels,
        coalesce(counted.obliged_vessels, 0) as obliged_vessels
    from places
    left join counted on places.place_code = counted.place_code

)

select * from final
