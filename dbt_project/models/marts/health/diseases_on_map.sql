-- Numbers are those of `disease_weeks`, small ones hidden there.
with communes as (

    {{ commune_shapes() }}

),

diseases as (

    select disease_code, label_vi as disease_name from {{ ref('notifiable_diseases') }}

),

weeks as (

    select * from {{ ref('disease_weeks') }}
    where is_latest and place_level = 'commune'

),

final as (

    select
        communes.*,
        diseases.disease_code,
        diseases.disease_name,
        weeks.week_start_date,
        coalesce(weeks.is_small_cell, false) as is_small_cell,
        weeks.cases,
        weeks.cases_per_100k,
        weeks.epidemic_threshold,
        weeks.is_above_threshold
    from communes
    cross join diseases
    left join weeks
        on communes.commune_code = weeks.place_code
        and diseases.disease_code = weeks.disease_code

)

select * from final
