with places as (

    select * from {{ ref('int_press_article_places') }}
    where commune_code is not null

),

articles as (

    select * from {{ ref('int_press_articles') }}

),

final as (

    select
        places.commune_code,
        max(places.commune_name) as commune_name,
        articles.local_date,
        count(*) as articles,
        count(case when not articles.is_repetition then 1 end) as stories,
        count(distinct articles.source) as sources,
        max(articles.first_published_at) as newest_article_at
    from places
    inner join articles on places.article_url = articles.article_url
    group by places.commune_code, articles.local_date

)

select * from final
