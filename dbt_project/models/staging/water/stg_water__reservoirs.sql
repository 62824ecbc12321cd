-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'water__reservoirs') }}

),

renamed as (

    select
        channel_id,
        measured_at,
        value,
        channel_status,
        _record_count,
        _source_version
    from source

)

select * from renamed
