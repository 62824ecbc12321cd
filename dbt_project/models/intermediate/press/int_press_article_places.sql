{{ config(materialized='view', database='memory', schema='staging') }}

-- A place is found by its name with its kind, or without it where two words are left. A name that means several places is told as ambiguous and
-- counted for none, unless the same article names one of them without doubt.
with articles as (

    select * from {{ ref('int_press_articles') }}

),

communes as (

    select * from {{ ref('communes') }}

),

places as (

    select commune_code as place_code, commune_code, {{ words_of('commune_name') }} as words
    from communes
    union
    select coalesce(commune_code, place_name) as place_code, commune_code, {{ words_of('place_name') }} as words
    from {{ ref('former_places') }}

),

names as (

    select place_code, commune_code, words from places
    union
    select place_code, commune_code, {{ words_without_kind('words') }} as words from places

),

meanings as (

    select words, count(distinct place_code) as places
    from names
    group by words

),

found as (

    select
        articles.article_url,
        names.place_code,
        names.commune_code,
        names.words as name_words,
        meanings.places > 1 as is_ambiguous
    from articles
    inner join names on strpos(articles.words, names.words) > 0
    inner join meanings on names.words = meanings.words

),

sure as (

    select distinct article_url, place_code, commune_code
    from found
    where not is_ambiguous

),

unclear as (

    select found.article_url, found.name_words
    from found
    left join sure on found.article_url = sure.article_url and found.place_code = sure.place_code
    where found.is_ambiguous
    group by found.article_url, found.name_words
    having count(sure.place_code) = 0

),

final as (

    select
        sure.article_url,
        sure.place_code,
        sure.commune_code,
        communes.commune_name,
        false as is_ambiguous
    from sure
    left join communes on sure.commune_code = communes.commune_code
    union all
    select
        article_url,
        name_words as place_code,
        null as commune_code,
        null as commune_name,
        true as is_ambiguous
    from unclear

)

select * from final
