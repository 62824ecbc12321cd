-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'environment__river_levels') }}

),

renamed as (

    select
        gauge_id,
        gauge_name,
        river_name,
        measured_at,
        level_m,
        trend_code,
        _record_count,
        _source_version
    from source

)

select * from renamed
