with source as (

    select * from {{ source('bronze', 'fisheries__vms_positions') }}

),

renamed as (

    select
        vessel_id as object_id,
        fixed_at as event_at,
        _loaded_at as loaded_at
    from source

)

select * from renamed
