-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'traffic__accidents') }}

),

renamed as (

    select
        accident_id,
        updated_at,
        occurred_at,
        commune_code,
        road_number,
        deaths,
        injured,
        cause_code,
        _record_count,
        _source_version
    from source

)

select * from renamed
