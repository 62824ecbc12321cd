{{ config(materialized='table') }}

-- Built anew each time: a few thousand rows a school year.
with final as (

    {{ newest_versions_listed(
        ref('stg_education__classes'), 'class_key', 'exported_at',
        ref('stg_education__classes_lists'), ['school_year', 'school_code'], 'class_code'
    ) }}

)

select * from final
