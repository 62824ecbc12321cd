with communes as (

    {{ commune_shapes() }}

),

latest as (

    select * from {{ ref('press_days') }}
    where is_latest

),

named as (

    select * from {{ ref('press_commune_days') }}

),

final as (

    select
        communes.*,
        latest.local_date,
        latest.current_until_at,
        case when latest.articles is not null then coalesce(named.articles, 0) end as articles,
        case when latest.articles is not null then coalesce(named.stories, 0) end as stories
    from communes
    left join latest on true
    left join named on communes.commune_code = named.commune_code and latest.local_date = named.local_date

)

select * from final
