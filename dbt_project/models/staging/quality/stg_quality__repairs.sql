-- Who repaired and why stays where it is.
with source as (

    select * from {{ source('quarantine', 'repairs') }}

),

renamed as (

    select
        feed,
        delivery_id,
        position,
        repair_id,
        outcome,
        replayed_at,
        quarantined_since
    from source

)

select * from renamed
