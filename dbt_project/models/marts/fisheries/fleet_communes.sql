with vessels as (

    select * from {{ ref('fleet_vessels') }}
    where is_registered

),

counted as (

    select
        commune_code,
        count(*) as registered_vessels,
        count(*) filter (where is_active_24h) as active_vessels,
        count(*) filter (where is_obliged) as obliged_vessels,
        count(*) filter (where is_obliged and has_device) as equipped_vessels,
        count(*) filter (where status_code = 'in_port') as in_port_vessels,
        count(*) filter (where status_code = 'at_sea') as at_sea_vessels,
        count(*) filter (where status_code in ('silent_6h', 'silent_10d')) as silent_vessels,
        count(*) filter (where status_code = 'unknown') as unknown_vessels,
        count(*) filter (where status_code in ('never_heard', 'not_obliged')) as never_heard_vessels,
        count(is_silent_while_ais_heard) as compared_vessels,
        count(case when is_silent_while_ais_heard then 1 end) as silent_while_ais_vessels,
        count(licence_expires_date) as licensed_vessels,
        count(*) filter (where is_licence_ending) as licence_ending_vessels,
        count(*) filter (where is_licence_expired) as licence_expired_vessels
    from vessels
    group by commune_code

),

final as (

    select
        counted.commune_code,
        communes.commune_name,
        counted.registered_vessels,
        counted.active_vessels,
        counted.obliged_vessels,
        counted.equipped_vessels,
        round(cast(100 as double) * counted.equipped_vessels / nullif(counted.obliged_vessels, 0), 6) as equipped_percent,
        counted.in_port_vessels,
        counted.at_sea_vessels,
        counted.silent_vessels,
        counted.unknown_vessels,
        counted.never_heard_vessels,
        case when counted.compared_vessels > 0 then counted.silent_while_ais_vessels end as silent_while_ais_vessels,
        counted.compared_vessels,
        case when counted.licensed_vessels > 0 then counted.licence_ending_vessels end as licence_ending_vessels,
        case when counted.licensed_vessels > 0 then counted.licence_expired_vessels end as licence_expired_vessels,
        counted.licensed_vessels
    from counted
    left join {{ ref('communes') }} as communes on counted.commune_code = communes.commune_code

)

select * from final
