with source as (

    select * from {{ source('ledger', 'object_results') }}

),

renamed as (

    select * from source

)

select * from renamed
