with source as (

    select * from {{ source('ledger', 'deliveries') }}

),

renamed as (

    select * from source

)

select * from renamed
