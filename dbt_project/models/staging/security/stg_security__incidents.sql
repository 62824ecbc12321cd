-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'security__incidents') }}

),

renamed as (

    select
        incident_id,
        updated_at,
        kind_code,
        commune_code,
        occurred_at,
        reported_at,
        first_response_at,
        status_code,
        severity,
        _record_count,
        _source_version
    from source

)

select * from renamed
