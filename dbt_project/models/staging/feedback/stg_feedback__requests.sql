-- Free text and addresses stay in bronze.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'feedback__requests') }}

),

renamed as (

    select
        service_request_id,
        version_at,
        status as status_code,
        service_code,
        service_name,
        agency_code,
        commune_code,
        requested_at,
        expected_at,
        latitude,
        longitude,
        flow_code,
        channel_code,
        satisfaction_rating,
        _record_count,
        _source_version
    from source

)

select * from renamed
