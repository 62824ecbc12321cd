{{ config(materialized='incremental', unique_key=['vessel_key', 'fixed_at'], on_schema_change='fail') }}

{%- set built = built_version() %}

-- AIS message types 1, 2, 3, 18, 19 and 27 are positions of vessels; base stations (4), aircraft (9) and buoys (21) are not, and neither is who sends
-- such a message under a number that is no ship's. Type 27, for receivers far away, tells a position in tenths of a minute.
with vms_positions as (

    select
        'vms' as source_code,
        vessel_id,
        fixed_at,
        latitude,
        longitude,
        {{ position_error_nm('position_step_degrees') }} as position_error_nm,
        speed_knots,
        course_degrees,
        _delivery_id,
        _position,
        _source_version
    from {{ ref('stg_fisheries__vms_positions') }}
    where _source_version > {{ built }}

),

ais_positions as (

    select
        'ais' as source_code,
        mmsi as vessel_id,
        heard_at as fixed_at,
        latitude,
        longitude,
        {{ position_error_nm('case when message_type = 27 then ' ~ 1 / 600 ~ ' else 0 end') }} as position_error_nm,
        speed_knots,
        course_degrees,
        _delivery_id,
        _position,
        _source_version
    from {{ ref('stg_fisheries__ais_messages') }}
    where
        _source_version > {{ built }}
        and message_type in (1, 2, 3, 18, 19, 27)
        and heard_at is not null
        and latitude is not null
        and longitude is not null
        and {{ is_ship_number('mmsi') }}

),

positions as (

    select * from vms_positions
    union all
    select * from ais_positions

),

ordered as (

    select
        *,
        row_number() over (
            partition by source_code, vessel_id, fixed_at
            order by _source_version desc, _delivery_id desc, _position desc
        ) as newness
    from positions

),

final as (

    select
        source_code || ':' || vessel_id as vessel_key,
        source_code,
        vessel_id,
        fixed_at,
        latitude,
        longitude,
        position_error_nm,
        speed_knots,
        course_degrees,
        _source_version
    from ordered
    where newness = 1

)

select * from final
