with source as (

    select * from {{ source('ledger', 'drift') }}

),

renamed as (

    select
        feed,
        delivery_id,
        column_name,
        kind,
        expected,
        came,
        records as record_count,
        is_stopped,
        seen_at
    from source

)

select * from renamed
