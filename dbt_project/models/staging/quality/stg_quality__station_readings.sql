with source as (

    select * from {{ source('bronze', 'environment__station_readings') }}

),

renamed as (

    select
        station_id as object_id,
        measured_at as event_at
    from source

)

select * from renamed
