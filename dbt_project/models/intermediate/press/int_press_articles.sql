{{ config(materialized='view', database='memory', schema='staging') }}

-- An article is an address, with its newest title; it belongs to the time at which it was first published. Where the same title, told without accents
-- and signs, was published within some hours before, by whatever source, it repeats that story.
with titles as (

    select *, row_number() over (partition by article_url order by published_at desc, title desc) as place_among_titles
    from {{ ref('int_press__articles_current') }}

),

addresses as (

    select
        article_url,
        min(published_at) as first_published_at,
        max(_source_version) as newest_source_version
    from {{ ref('stg_press__articles') }}
    group by article_url

),

limits as (

    select max(in_force.hi) as repetition_hours
    from ({{ thresholds_in_force("thresholds.domain = 'press' and thresholds.key = 'repetition'") }}) as in_force

),

spaced as (

    select
        titles.*,
        addresses.first_published_at,
        addresses.newest_source_version,
        lag(addresses.first_published_at) over (
            partition by titles.title_key order by addresses.first_published_at, titles.article_url
        ) as told_before_at
    from titles
    inner join addresses on titles.article_url = addresses.article_url
    where titles.place_among_titles = 1

),

final as (

    select
        spaced.article_url,
        spaced.title,
        spaced.source,
        spaced.first_published_at,
        spaced.published_at as changed_at,
        {{ local_date('spaced.first_published_at') }} as local_date,
        spaced.is_zone_assumed,
        coalesce(
            spaced.title_key is not null
            and {{ hours_between('spaced.told_before_at', 'spaced.first_published_at') }} <= limits.repetition_hours,
            false
        ) as is_repetition,
        {{ words_of("concat_ws(' ', spaced.title, spaced.summary)") }} as words,
        spaced.newest_source_version as _source_version
    from spaced
    cross join limits

)

select * from final
