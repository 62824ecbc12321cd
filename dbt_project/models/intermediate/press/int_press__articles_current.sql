-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='table') }}

with final as (

    {{ newest_versions(ref('stg_press__articles'), 'article_url, title', 'published_at') }}

)

select * from final
