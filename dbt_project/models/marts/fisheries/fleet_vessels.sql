-- A vessel is as its satellite device tells where that was ever heard, else as AIS does. Of a vessel that AIS does not reach now, or whose operator
-- is silent, nobody knows whether its device is off while it sails.
with by_satellite as (

    select * from {{ ref('vessels_last_seen') }}
    where source_code = 'vms'

),

by_ais as (

    select * from {{ ref('vessels_last_seen') }}
    where source_code = 'ais'

),

vessels as (

    select
        coalesce(by_satellite.vessel_code, by_ais.vessel_code) as vessel_code,
        coalesce(by_satellite.registration_number, by_ais.registration_number) as registration_number,
        coalesce(by_satellite.vessel_name, by_ais.vessel_name) as vessel_name,
        coalesce(by_satellite.commune_code, by_ais.commune_code) as commune_code,
        coalesce(by_satellite.length_m, by_ais.length_m) as length_m,
        coalesce(by_satellite.is_obliged, by_ais.is_obliged) as is_obliged,
        coalesce(by_satellite.operator_code, by_ais.operator_code) as operator_code,
        coalesce(by_satellite.licence_expires_date, by_ais.licence_expires_date) as licence_expires_date,
        by_satellite.vessel_key is not null as has_satellite_row,
        by_satellite.last_fix_at is null and by_ais.vessel_key is not null as is_told_by_ais,
        by_satellite.last_fix_at as last_vms_fix_at,
        by_ais.last_fix_at as last_ais_fix_at,
        coalesce(by_satellite.is_active_24h, false) or coalesce(by_ais.is_active_24h, false) as is_active_24h,
        by_satellite.status_code as vms_status_code,
        by_satellite.status_label as vms_status_label,
        by_satellite.port_code as vms_port_code,
        by_satellite.hours_since_fix as hours_since_vms,
        by_ais.status_code as ais_status_code,
        by_ais.status_label as ais_status_label,
        by_ais.port_code as ais_port_code
    from by_satellite
    full outer join by_ais on by_satellite.vessel_code = by_ais.vessel_code

),

judged as (

    select
        *,
        case when is_told_by_ais then ais_status_code else vms_status_code end as status_code,
        case when is_told_by_ais then ais_status_label else vms_status_label end as status_label,
        case when is_told_by_ais then ais_port_code else vms_port_code end as last_port_code,
        case
            when is_obliged is null or ais_status_code is null or ais_status_code = 'unknown' or vms_status_code = 'unknown' then null
            else
                is_obliged
                and ais_status_code = 'at_sea'
                and coalesce(hours_since_vms > {{ var('silence_hours') }} + {{ var('late_packet_minutes') }} / 60e0, true)
        end as is_silent_while_ais_heard,
        {{ days_between(local_date(clock()), 'licence_expires_date') }} as licence_days_left
    from vessels

),

final as (

    select
        judged.vessel_code,
        judged.registration_number,
        judged.registration_number is not null as is_registered,
        judged.vessel_name,
        judged.commune_code,
        communes.commune_name,
        judged.length_m,
        judged.is_obliged,
        case when judged.registration_number is not null then judged.operator_code is not null end as has_device,
        judged.operator_code,
        judged.has_satellite_row or judged.registration_number is not null as is_of_the_fleet,
        judged.is_active_24h,
        judged.last_vms_fix_at,
        judged.last_ais_fix_at,
        judged.status_code,
        judged.status_label,
        case when judged.status_code = 'in_port' then judged.last_port_code end as port_code,
        judged.is_silent_while_ais_heard,
        judged.licence_expires_date,
        judged.licence_days_left,
        judged.licence_days_left < 0 as is_licence_expired,
        judged.licence_days_left between 0 and {{ var('licence_notice_days') }} as is_licence_ending
    from judged
    left join {{ ref('communes') }} as communes on judged.commune_code = communes.commune_code

)

select * from final
