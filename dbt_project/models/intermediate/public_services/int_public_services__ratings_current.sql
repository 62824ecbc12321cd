-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_public_services__ratings'), 'dossier_id', 'rated_at') }}

)

select * from final
