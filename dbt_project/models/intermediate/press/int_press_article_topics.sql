{{ config(materialized='view', database='memory', schema='staging') }}

with articles as (

    select * from {{ ref('int_press_articles') }}

),

keywords as (

    select topic_code, label_vi, {{ words_of('keyword') }} as words from {{ ref('press_topics') }}

),

final as (

    select distinct
        articles.article_url,
        keywords.topic_code,
        keywords.label_vi as topic_label
    from articles
    inner join keywords on strpos(articles.words, keywords.words) > 0

)

select * from final
