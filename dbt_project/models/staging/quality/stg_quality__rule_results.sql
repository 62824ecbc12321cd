with source as (

    select * from {{ source('ledger', 'rule_results') }}

),

renamed as (

    select * from source

)

select * from renamed
