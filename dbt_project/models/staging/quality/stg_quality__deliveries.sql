with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('ledger', 'deliveries') }}

),

renamed as (

    select * from source

)

select * from renamed
