-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_traffic__accidents'), 'accident_id', 'updated_at') }}

)

select * from final
