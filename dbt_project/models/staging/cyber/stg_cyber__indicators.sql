-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'cyber__indicators') }}

),

renamed as (

    select
        indicator_id,
        modified_at,
        indicator_name,
        pattern,
        pattern_type,
        valid_from,
        valid_until,
        is_revoked,
        observable_kind_code,
        observable,
        _record_count,
        _source_version
    from source

)

select * from renamed
