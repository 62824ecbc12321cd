-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_security__incidents'), 'incident_id', 'updated_at') }}

)

select * from final
