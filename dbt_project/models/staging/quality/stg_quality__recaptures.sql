with source as (

    select * from {{ source('ledger', 'recaptures') }}

),

renamed as (

    select * from source

)

select * from renamed
