{{ config(materialized='table') }}

-- A week that has not begun, or is older than any history, is told here and counts in no series: it must not stand for the weeks before it.
with records as (

    select
        records.*,
        measures.kind as measure_kind,
        cast(date_trunc('week', records.period_start_date) as date) as week_start_date,
        records.period_start_date between {{ first_day_of_history() }} and {{ local_date(clock()) }} as is_in_history
    from {{ ref('int_disease_records_current') }} as records
    inner join {{ ref('disease_measures') }} as measures on records.measure_code = measures.measure_code
    where records.place_level = 'commune'

),

-- Weeks that begin on another day are no ISO weeks; other resolutions cannot be cut into weeks.
weekly_counts as (

    select
        disease_code,
        commune_code,
        week_start_date,
        is_in_history,
        sum(person_count) filter (where measure_kind = 'cases') as cases,
        sum(person_count) filter (where measure_kind = 'deaths') as deaths
    from records
    where record_kind = 'count' and period_kind = 'week' and period_start_date = week_start_date
    group by disease_code, commune_code, week_start_date, is_in_history

),

weekly_cases as (

    select
        disease_code,
        commune_code,
        week_start_date,
        bool_or(is_in_history) as is_in_history,
        count(*) as cases,
        count(*) filter (where outcome_code = 'tu_vong') as deaths
    from records
    where record_kind = 'case' and classification_code <> 'loai_tru' and week_start_date is not null
    group by disease_code, commune_code, week_start_date

),

-- A commune's own count of a week stands before its case lines of that week; without a count the lines are what is known.
final as (

    select
        coalesce(weekly_counts.disease_code, weekly_cases.disease_code) as disease_code,
        coalesce(weekly_counts.commune_code, weekly_cases.commune_code) as commune_code,
        coalesce(weekly_counts.week_start_date, weekly_cases.week_start_date) as week_start_date,
        coalesce(weekly_counts.is_in_history, false) or coalesce(weekly_cases.is_in_history, false) as is_in_history,
        weekly_counts.disease_code is not null as has_count,
        case when weekly_counts.cases is null and weekly_cases.cases is not null then 'case' else 'count' end as source_code,
        cast(coalesce(weekly_counts.cases, weekly_cases.cases) as bigint) as cases,
        cast(coalesce(weekly_counts.deaths, weekly_cases.deaths) as bigint) as deaths
    from weekly_counts
    full outer join weekly_cases
        on weekly_counts.disease_code = weekly_cases.disease_code
        and weekly_counts.commune_code = weekly_cases.commune_code
        and weekly_counts.week_start_date = weekly_cases.week_start_date

)

select * from final
