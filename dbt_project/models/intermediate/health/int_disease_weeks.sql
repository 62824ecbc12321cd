{{ config(materialized='table') }}

with counted as (

    select * from {{ ref('int_disease_weeks_counted') }}
    where is_in_history

),

communes as (

    select communes.commune_code, communes.commune_name, communes.latitude, communes.longitude, populations.population
    from {{ ref('communes') }} as communes
    left join {{ ref('populations') }} as populations using (commune_code)

),

this_week as (

    select cast(date_trunc('week', {{ local_date(clock()) }}) as date) as week_start_date

),

spans as (

    select disease_code, min(week_start_date) as first_week, max(week_start_date) filter (where source_code = 'count') as last_counted_week
    from counted
    group by disease_code

),

days as (

    {{ days_from_to('(select min(first_week) from spans)', '(select week_start_date from this_week)') }}

),

-- Weeks without a case have a row too: a source that leaves zeros out must not make a gap in the series.
commune_weeks as (

    select
        spans.disease_code,
        'commune' as place_level,
        communes.commune_code as place_code,
        communes.commune_name as place_name,
        communes.latitude,
        communes.longitude,
        communes.population,
        days.local_date as week_start_date,
        case when days.local_date <= spans.last_counted_week then 'count' else 'case' end as source_code,
        coalesce(counted.cases, 0) as cases,
        coalesce(counted.deaths, 0) as deaths
    from spans
    cross join communes
    inner join days
        on days.local_date >= spans.first_week
        and extract(isodow from days.local_date) = 1
    left join counted
        on spans.disease_code = counted.disease_code
        and communes.commune_code = counted.commune_code
        and days.local_date = counted.week_start_date

),

final as (

    select * from commune_weeks
    union all
    select
        disease_code,
        'province' as place_level,
        'province' as place_code,
        'Toàn thành phố' as place_name,
        cast(null as double) as latitude,
        cast(null as double) as longitude,
        cast(sum(population) as bigint) as population,
        week_start_date,
        source_code,
        cast(sum(cases) as bigint) as cases,
        cast(sum(deaths) as bigint) as deaths
    from commune_weeks
    group by disease_code, week_start_date, source_code

)

select * from final
