with source as (

    select * from {{ source('bronze', 'environment__station_readings') }}

),

renamed as (

    select
        station_id as object_id,
        measured_at as event_at,
        _loaded_at as loaded_at
    from source

)

select * from renamed
