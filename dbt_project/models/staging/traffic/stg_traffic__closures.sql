-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'traffic__closures') }}

),

renamed as (

    select
        situation_id,
        version_at,
        management_code,
        status_code,
        starts_at,
        ends_at,
        cause_code,
        road_number,
        latitude,
        longitude,
        way_round,
        _record_count,
        _source_version
    from source

)

select * from renamed
