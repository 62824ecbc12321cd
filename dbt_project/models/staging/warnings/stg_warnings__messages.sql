-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'warnings__messages') }}

),

renamed as (

    select
        sender,
        identifier,
        sent_at,
        status_code,
        message_type_code,
        scope_code,
        referenced_messages,
        reference_count,
        ill_reference_count,
        incidents,
        info_count,
        areas,
        missing_elements,
        unknown_code_elements,
        ill_timed_elements,
        zulu_time_count,
        expired_info_count,
        ill_risk_count,
        open_polygon_count,
        misplaced_shape_count,
        ill_circle_count,
        _record_count,
        _source_version
    from source

)

select * from renamed
