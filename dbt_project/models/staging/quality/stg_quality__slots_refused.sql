-- A record that was refused came too: its fault moves another axis than what never came.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('quarantine', 'records') }}

),

renamed as (

    select
        feed,
        object_id,
        slot_at as event_at,
        quarantined_at as received_at,
        _source_version
    from source
    where object_id is not null and slot_at is not null

)

select * from renamed
