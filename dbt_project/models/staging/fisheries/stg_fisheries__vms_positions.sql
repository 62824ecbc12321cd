with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'fisheries__vms_positions') }}

),

renamed as (

    select
        vessel_id,
        fixed_at,
        message_type_code,
        latitude,
        longitude,
        position_step_degrees,
        speed_knots,
        course_degrees,
        vessel_name,
        call_sign,
        _delivery_id,
        _position,
        _source_version
    from source

)

select * from renamed
