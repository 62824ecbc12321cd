with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'fisheries__ais_messages') }}

),

renamed as (

    select
        mmsi,
        heard_at,
        message_type,
        latitude,
        longitude,
        speed_knots,
        course_degrees,
        vessel_name,
        call_sign,
        ship_type_code,
        _delivery_id,
        _position,
        _source_version
    from source

)

select * from renamed
