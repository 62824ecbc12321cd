{{ config(materialized='table') }}

-- A week that has not begun, or is older than any history, is told here and counts in no series: it must not stand for the weeks before it.
with records as (

    select
        records.*,
        measures.kind as measure_kind,
        cast(date_trunc('week', records.period_start_date) as date) as week_start_date,
        records.period_start_date between {{ first_day_of_history() }} and {{ local_date(clock()) }} as is_in_history
    from {{ ref('int_disease_records_current') }} as records
    inner join {{ ref('disease_measures') }} as measures using (measure_code)
    where records.place_level = 'commune'

),

-- Weeks that begin on another day are no ISO weeks; other resolutions cannot be cut into weeks.
weekly_counts as (

    select
        disease_code,
        commune_code,
        week_start_date,
        is_in_history,
        'count' as source_code,
        coalesce(sum(person_count) filter (where measure_kind = 'cases'), 0) as cases,
        coalesce(sum(person_count) filter (where measure_kind = 'deaths'), 0) as deaths
    from records
    where record_kind = 'count' and period_kind = 'week' and period_start_date = week_start_date
    group by disease_code, commune_code, week_start_date, is_in_history

),

last_counted_weeks as (

    select disease_code, max(week_start_date) as last_counted_week
    from weekly_counts
    where is_in_history
    group by disease_code

),

weekly_cases as (

    select
        records.disease_code,
        records.commune_code,
        records.week_start_date,
        bool_or(records.is_in_history) as is_in_history,
        'case' as source_code,
        count(*) as cases,
        count(*) filter (where records.outcome_code = 'tu_vong') as deaths
    from records
    left join last_counted_weeks using (disease_code)
    where
        records.record_kind = 'case'
        and records.classification_code <> 'loai_tru'
        and records.week_start_date is not null
        and (last_counted_weeks.last_counted_week is null or records.week_start_date > last_counted_weeks.last_counted_week)
    group by records.disease_code, records.commune_code, records.week_start_date

),

final as (

    select disease_code, commune_code, week_start_date, is_in_history, source_code, cast(cases as bigint) as cases, cast(deaths as bigint) as deaths
    from weekly_counts
    union all
    select disease_code, commune_code, week_start_date, is_in_history, source_code, cases, deaths
    from weekly_cases

)

select * from final
