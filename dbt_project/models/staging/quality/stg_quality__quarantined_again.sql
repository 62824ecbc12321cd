-- What a replay refused: records that were in quarantine before, and those of a delivery that could not be read before.
with source as (

    select * from {{ source('quarantine', 'records') }}

),

renamed as (

    select
        feed,
        delivery_id,
        position,
        reason,
        error_group,
        record_count,
        quarantined_at
    from source
    where delivery_id like 'repair-%'

)

select * from renamed
