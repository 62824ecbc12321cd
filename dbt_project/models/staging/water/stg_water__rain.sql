-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'water__rain') }}

),

renamed as (

    select
        station_id,
        measured_at,
        reading_mm,
        status_code,
        _record_count,
        _source_version
    from source

)

select * from renamed
