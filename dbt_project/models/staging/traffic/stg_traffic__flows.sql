-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'traffic__flows') }}

),

renamed as (

    select
        section_code,
        lane_number,
        vehicle_type,
        started_at,
        ended_at,
        vehicles,
        speed_kmh,
        occupancy,
        is_congested,
        _record_count,
        _source_version
    from source

)

select * from renamed
