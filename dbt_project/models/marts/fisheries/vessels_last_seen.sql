{{ config(materialized='incremental', unique_key='vessel_key', on_schema_change='fail') }}

{%- set built = built_version('source_version') %}

-- Every vessel is written each time, for its silence grows with the clock; only new positions are read. A registered vessel has its row for
-- the satellite device even where it was never heard. Flags of silence follow the status, so that both tell one thing.
with positions as (

    select
        vessel_key,
        source_code,
        vessel_id,
        fixed_at,
        latitude,
        longitude,
        position_error_nm,
        speed_knots,
        course_degrees,
        port_code,
        is_in_port,
        zone_code,
        _source_version
    from {{ ref('int_vessel_tracks') }}
    where _source_version > {{ built }}
    {%- if is_incremental() %}
    union all
    select
        vessel_key,
        source_code,
        vessel_id,
        last_fix_at as fixed_at,
        latitude,
        longitude,
        position_error_nm,
        speed_knots,
        course_degrees,
        port_code,
        is_in_port,
        zone_code,
        source_version as _source_version
    from {{ this }}
    where last_fix_at is not null
    {%- endif %}

),

ordered as (

    select
        *,
        row_number() over (partition by vessel_key order by fixed_at desc, _source_version desc) as newness,
        max(_source_version) over (partition by vessel_key) as source_version
    from positions

),

recent_fixes as (

    select vessel_key, count(*) as fixes_24h
    from {{ ref('int_vessel_positions') }}
    where fixed_at > {{ clock() }} - interval '24' hour and fixed_at <= {{ clock() }}
    group by vessel_key

),

names as (

    select * from {{ ref('int_vessel_names') }}

),

registrations as (

    select * from {{ ref('int_vessel_registrations') }}
    where valid_until is null

),

open_gaps as (

    select vessel_key, finding_code
    from {{ ref('vessel_gaps') }}
    where is_open

),

last_fixes as (

    select
        *,
        {{ hours_between('fixed_at', clock()) }} as hours_since_fix
    from ordered
    where newness = 1

),

never_heard as (

    select
        registrations.vessel_key,
        'vms' as source_code,
        registrations.registration_number as vessel_id
    from registrations
    left join last_fixes on registrations.vessel_key = last_fixes.vessel_key
    where registrations.vessel_key = 'vms:' || registrations.registration_number and last_fixes.source_code is null

),

vessels as (

    select
        vessel_key,
        source_code,
        vessel_id,
        fixed_at,
        latitude,
        longitude,
        position_error_nm,
        speed_knots,
        course_degrees,
        port_code,
        is_in_port,
        zone_code,
        hours_since_fix,
        source_version
    from last_fixes
    union all
    select
        vessel_key,
        source_code,
        vessel_id,
        null as fixed_at,
        null as latitude,
        null as longitude,
        null as position_error_nm,
        null as speed_knots,
        null as course_degrees,
        null as port_code,
        false as is_in_port,
        null as zone_code,
        null as hours_since_fix,
        -1 as source_version
    from never_heard

),

judged as (

    select
        vessels.*,
        case
            when vessels.fixed_at is null and not registrations.is_obliged then 'not_obliged'
            when vessels.fixed_at is null then 'never_heard'
            when vessels.is_in_port then 'in_port'
            when
                (vessels.source_code = 'ais' or not registrations.is_obliged)
                and vessels.hours_since_fix > {{ var('silence_hours') }}
                then 'unknown'
            when open_gaps.finding_code in ('silent_10d', 'silent_6h', 'unknown') then open_gaps.finding_code
            else 'at_sea'
        end as status_code
    from vessels
    left join open_gaps on vessels.vessel_key = open_gaps.vessel_key
    left join registrations on vessels.vessel_key = registrations.vessel_key

),

final as (

    select
        judged.vessel_key,
        judged.source_code,
        judged.vessel_id,
        coalesce(registrations.registration_number, judged.vessel_key) as vessel_code,
        coalesce(names.vessel_name, registrations.registered_name) as vessel_name,
        coalesce(names.call_sign, registrations.registered_call_sign) as call_sign,
        judged.fixed_at as last_fix_at,
        judged.latitude,
        judged.longitude,
        judged.position_error_nm,
        judged.position_error_nm > 0 as is_position_coarse,
        judged.speed_knots,
        judged.course_degrees,
        coalesce(recent_fixes.fixes_24h, 0) as fixes_24h,
        judged.hours_since_fix,
        coalesce(recent_fixes.fixes_24h, 0) > 0 as is_active_24h,
        case
            when judged.status_code in ('silent_6h', 'silent_10d') then true
            when judged.status_code in ('at_sea', 'in_port') then false
        end as is_silent_6h,
        case
            when judged.status_code = 'silent_10d' then true
            when judged.status_code in ('at_sea', 'in_port', 'silent_6h') then false
        end as is_silent_10d,
        {{ is_in_east_sea('judged.latitude', 'judged.longitude') }} as is_in_east_sea,
        registrations.registration_number is not null as is_registered,
        registrations.registration_number,
        registrations.length_m,
        registrations.is_obliged,
        registrations.commune_code,
        registrations.operator_code,
        registrations.licence_expires_date,
        registrations.licence_expires_date < {{ local_date(clock()) }} as is_licence_expired,
        judged.port_code,
        judged.is_in_port,
        judged.zone_code,
        judged.status_code,
        case judged.status_code
            when 'never_heard' then 'Chưa từng có tín hiệu'
            when 'not_obliged' then 'Không thuộc diện lắp thiết bị'
            when 'in_port' then 'Trong cảng'
            when 'silent_10d' then 'Mất kết nối quá 10 ngày'
            when 'silent_6h' then 'Mất kết nối quá 6 giờ'
            when 'unknown' then 'Không thể biết'
            else 'Trên biển'
        end as status_label,
        judged.source_version
    from judged
    left join recent_fixes on judged.vessel_key = recent_fixes.vessel_key
    left join names on judged.vessel_key = names.vessel_key
    left join registrations on judged.vessel_key = registrations.vessel_key

)

select * from final
