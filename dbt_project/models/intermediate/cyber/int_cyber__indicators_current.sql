-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_cyber__indicators'), 'indicator_id', 'modified_at') }}

)

select * from final
