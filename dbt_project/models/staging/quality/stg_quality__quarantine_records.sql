-- What agencies sent and was refused, repaired since or not. The raw text of a record stays where it is.
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
    where delivery_id not like 'repair-%'

)

select * from renamed
