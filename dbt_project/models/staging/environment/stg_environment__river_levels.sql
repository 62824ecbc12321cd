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
        _source_version
    from source

)

select * from renamed
