-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'press__articles') }}

),

renamed as (

    select
        article_url,
        title,
        published_at,
        is_zone_assumed,
        source,
        title_key,
        summary,
        guid,
        _record_count,
        _source_version
    from source

)

select * from renamed
