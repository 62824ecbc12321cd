with articles as (

    select * from {{ ref('int_press_articles') }}

),

topics as (

    select article_url, {{ joined_texts('topic_label', ', ') }} as topic_labels
    from {{ ref('int_press_article_topics') }}
    group by article_url

),

places as (

    select
        article_url,
        {{ joined_texts('commune_name', ', ') }} as commune_names,
        bool_or(is_ambiguous) as is_place_ambiguous
    from {{ ref('int_press_article_places') }}
    group by article_url

),

final as (

    select
        articles.article_url,
        articles.title,
        articles.source,
        articles.first_published_at,
        articles.changed_at,
        articles.local_date,
        articles.is_zone_assumed,
        articles.is_repetition,
        topics.topic_labels,
        places.commune_names,
        coalesce(places.is_place_ambiguous, false) as is_place_ambiguous,
        articles._source_version as source_version
    from articles
    left join topics on articles.article_url = topics.article_url
    left join places on articles.article_url = places.article_url

)

select * from final
