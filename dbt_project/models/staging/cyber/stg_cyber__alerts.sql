-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'cyber__alerts') }}

),

renamed as (

    select
        source_id,
        event_id,
        event_kind_code,
        observed_at,
        alert_id,
        severity_code,
        action_code,
        signature_id,
        signature,
        status_code,
        machine_address,
        source_address,
        destination_address,
        destination_host,
        _record_count,
        _source_version
    from source

)

select * from renamed
