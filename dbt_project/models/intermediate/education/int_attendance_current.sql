{{ config(materialized='table') }}

-- Built anew each time: a few thousand rows a school year.
with final as (

    {{ newest_versions(ref('stg_education__attendance'), 'class_day_key', 'exported_at') }}

)

select * from final
