with cases as (

    select
        disease_code,
        cast(date_trunc('week', {{ local_date('first_reported_at') }}) as date) as week_start_date,
        first_reported_at,
        {{ hours_between('onset_at', 'first_reported_at') }} as delay_hours
    from {{ ref('int_disease_records_current') }}
    where record_kind = 'case' and classification_code <> 'loai_tru'

),

diseases as (

    select * from {{ ref('notifiable_diseases') }}

),

reported_diseases as (

    select distinct disease_code from cases

),

days as (

    {{ days_from_to(
        '(select min(week_start_date) from cases where week_start_date >= ' ~ first_day_of_history() ~ ')', local_date(clock())
    ) }}

),

judged as (

    select cases.*, cases.delay_hours <= diseases.deadline_hours as is_on_time
    from cases
    inner join diseases using (disease_code)

),

disease_weeks as (

    select
        disease_code,
        week_start_date,
        count(*) as reported_cases,
        count(*) filter (where is_on_time) as on_time_cases,
        percentile_cont(0.5) within group (order by delay_hours) as median_delay_hours,
        percentile_cont(0.9) within group (order by delay_hours) as p90_delay_hours,
        max(first_reported_at) as last_reported_at
    from judged
    group by disease_code, week_start_date

),

spine as (

    select
        diseases.disease_code,
        diseases.label_vi,
        diseases.group_code,
        diseases.deadline_hours,
        days.local_date as week_start_date,
        coalesce(disease_weeks.reported_cases, 0) as reported_cases,
        coalesce(disease_weeks.reported_cases, 0) between 1 and {{ var('least_cell') }} - 1 as is_small_cell,
        disease_weeks.on_time_cases,
        disease_weeks.median_delay_hours,
        disease_weeks.p90_delay_hours,
        disease_weeks.last_reported_at
    from reported_diseases
    inner join diseases using (disease_code)
    inner join days on extract(isodow from days.local_date) = 1
    left join disease_weeks
        on reported_diseases.disease_code = disease_weeks.disease_code
        and days.local_date = disease_weeks.week_start_date

),

final as (

    select
        disease_code,
        label_vi as disease_name,
        group_code,
        deadline_hours,
        cast(extract(isoyear from week_start_date) as integer) as iso_year,
        cast(extract(week from week_start_date) as integer) as iso_week,
        week_start_date,
        is_small_cell,
        case when not is_small_cell then reported_cases end as reported_cases,
        case when not is_small_cell then coalesce(on_time_cases, 0) end as on_time_cases,
        cast(case when not is_small_cell then 100.0 * on_time_cases / nullif(reported_cases, 0) end as double) as on_time_percent,
        case when not is_small_cell then median_delay_hours end as median_delay_hours,
        case when not is_small_cell then p90_delay_hours end as p90_delay_hours,
        case when not is_small_cell then date_trunc('hour', last_reported_at) end as last_reported_at
    from spine

)

select * from final
