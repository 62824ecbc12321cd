-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'public_services__ratings') }}

),

renamed as (

    select
        dossier_id,
        agency_code,
        rated_at,
        rating,
        _record_count,
        _source_version
    from source

)

select * from renamed
