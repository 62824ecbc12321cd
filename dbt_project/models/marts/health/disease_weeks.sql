with weeks as (

    select
        *,
        place_level = 'province' and not is_hidden
        and not (deaths between 1 and {{ var('least_cell') }} - 1)
        and not (deaths > 0 and cases - deaths between 1 and {{ var('least_cell') }} - 1) as is_deaths_shown,
        lag(is_hidden) over (partition by disease_code, place_code order by week_start_date) as is_previous_hidden
    from {{ ref('int_disease_weeks_judged') }}

),

diseases as (

    select * from {{ ref('notifiable_diseases') }}

),

shown as (

    select
        *,
        case when not is_hidden then cases end as shown_cases,
        case when is_deaths_shown then deaths end as shown_deaths,
        case when is_complete and is_compared and not is_hidden and not is_previous_hidden then cases - previous_cases end as cases_change,
        case when not is_hidden and not has_hidden_history then epidemic_threshold end as shown_threshold
    from weeks

),

final as (

    select
        shown.disease_code,
        diseases.label_vi as disease_name,
        diseases.group_code,
        shown.place_level,
        shown.place_code,
        shown.place_name,
        cast(shown.latitude as double) as latitude,
        cast(shown.longitude as double) as longitude,
        cast(extract(isoyear from shown.week_start_date) as integer) as iso_year,
        cast(extract(week from shown.week_start_date) as integer) as iso_week,
        shown.week_start_date,
        shown.week_start_date + 6 as week_end_date,
        shown.source_code,
        shown.is_complete,
        shown.is_latest,
        shown.is_hidden as is_small_cell,
        cast(shown.shown_cases as bigint) as cases,
        cast(shown.shown_deaths as bigint) as deaths,
        cast(shown.population as bigint) as population,
        shown.places,
        shown.reported_places,
        cast(case when shown.reported_places > 0 then shown.reported_population end as bigint) as reported_population,
        cast(100000.0 * shown.shown_cases / shown.reported_population as double) as cases_per_100k,
        cast(shown.cases_change as bigint) as cases_change,
        cast(100.0 * shown.cases_change / nullif(shown.previous_cases, 0) as double) as cases_change_percent,
        cast(shown.shown_threshold as double) as epidemic_threshold,
        cast(shown.history_weeks as bigint) as history_weeks,
        -- Some communes or days can show that the threshold was passed, only (nearly) all of them that it was not.
        case
            when shown.shown_cases > shown.shown_threshold or (shown.is_complete and shown.is_compared)
                then shown.shown_cases > shown.shown_threshold
        end as is_above_threshold,
        shown.shown_deaths > shown.shown_cases as is_more_deaths_than_cases
    from shown
    inner join diseases using (disease_code)

)

select * from final
