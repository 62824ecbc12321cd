-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'forest__weather') }}

),

renamed as (

    select
        commune_code,
        observed_at,
        temperature_c,
        humidity_percent,
        rain_mm,
        _record_count,
        _source_version
    from source

)

select * from renamed
