-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'forest__hotspots') }}

),

renamed as (

    select
        latitude,
        longitude,
        acquired_at,
        satellite,
        product_version,
        instrument,
        confidence_code,
        confidence_percent,
        brightness_k,
        background_k,
        power_mw,
        daynight_code,
        _record_count,
        _source_version
    from source

)

select * from renamed
