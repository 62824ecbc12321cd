-- The raw text of a record stays where it is.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('quarantine', 'records') }}

),

renamed as (

    select
        feed,
        reason,
        error_group,
        record_count,
        object_id,
        slot_at,
        quarantined_at,
        _source_version
    from source

)

select * from renamed
