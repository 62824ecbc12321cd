-- What agencies sent and meant. A replay sends nothing: its books are in stg_quality__replays, so that no record is counted twice.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('ledger', 'deliveries') }}

),

renamed as (

    select * from source
    where status not in ('replayed', 'withdrawn')

)

select * from renamed
