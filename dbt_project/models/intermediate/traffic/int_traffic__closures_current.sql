-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_traffic__closures'), 'situation_id', 'version_at') }}

)

select * from final
