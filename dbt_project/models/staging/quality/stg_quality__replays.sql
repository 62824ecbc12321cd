with source as (

    select * from {{ source('ledger', 'deliveries') }}

),

renamed as (

    select * from source
    where status = 'replayed'

)

select * from renamed
