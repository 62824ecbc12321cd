{{ config(materialized='table') }}

with counted as (

    select * from {{ ref('int_disease_weeks_counted') }}
    where is_in_history

),

communes as (

    select communes.commune_code, communes.commune_name, communes.latitude, communes.longitude, populations.population
    from {{ ref('communes') }} as communes
    left join {{ ref('populations') }} as populations on communes.commune_code = populations.commune_code

),

this_week as (

    select cast(date_trunc('week', {{ local_date(clock()) }}) as date) as week_start_date

),

spans as (

    select disease_code, min(week_start_date) as first_week
    from counted
    group by disease_code

),

days as (

    {{ days_from_to('(select min(first_week) from spans)', '(select week_start_date from this_week)') }}

),

-- The weekly form names all diseases and leaves zeros out: a commune that counted any disease of a week counted the others too.
sent_forms as (

    select distinct commune_code, week_start_date
    from counted
    where has_count

),

-- Every week has a row, whether it is known or not: 0 is what a commune reported, NULL what it did not report.
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
        coalesce(counted.source_code, case when sent_forms.commune_code is not null then 'count' end) as source_code,
        coalesce(counted.cases, case when sent_forms.commune_code is not null then 0 end) as cases,
        coalesce(counted.deaths, case when sent_forms.commune_code is not null then 0 end) as deaths
    from spans
    cross join communes
    inner join days
        on days.local_date >= spans.first_week
        and {{ iso_weekday('days.local_date') }} = 1
    left join counted
        on spans.disease_code = counted.disease_code
        and communes.commune_code = counted.commune_code
        and days.local_date = counted.week_start_date
    left join sent_forms
        on communes.commune_code = sent_forms.commune_code
        and days.local_date = sent_forms.week_start_date

),

final as (

    select
        *,
        case when cases is not null then population end as reported_population,
        cast(1 as bigint) as places,
        cast(case when cases is not null then 1 else 0 end as bigint) as reported_places
    from commune_weeks
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
        case when count(distinct source_code) > 1 then 'both' else max(source_code) end as source_code,
        cast(sum(cases) as bigint) as cases,
        cast(sum(deaths) as bigint) as deaths,
        cast(sum(population) filter (where cases is not null) as bigint) as reported_population,
        count(*) as places,
        count(cases) as reported_places
    from commune_weeks
    group by disease_code, week_start_date

)

select * from final
