-- The raw text of a record stays where it is.
with source as (

    select * from {{ source('quarantine', 'records') }}

),

renamed as (

    select
        feed,
        reason,
        error_group,
        record_count,
        object_id,
        event_at,
        quarantined_at
    from source

)

select * from renamed
