with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'fisheries__vessels') }}

),

renamed as (

    select
        vessel_id,
        listed_at,
        vessel_name,
        mmsi,
        call_sign,
        length_m,
        power_kw,
        gear,
        province_code,
        commune_code,
        licence_number,
        licence_expires_date,
        vms_device,
        split_part(vms_device, '/', 1) as operator_code,
        _source_version
    from source

)

select * from renamed
