-- The duty to report runs from the diagnosis. From the onset is told as well, under its own name, since not every source tells the diagnosis.
-- The total of a disease's year may be known from elsewhere, so that a week of few cases is hidden together with others of its year.
with cases as (

    select
        disease_code,
        cast(date_trunc('week', {{ local_date('first_reported_at') }}) as date) as week_start_date,
        first_reported_at,
        {{ hours_between('onset_at', 'first_reported_at') }} as hours_from_onset,
        case
            when first_reported_at < diagnosed_at then 0
            else {{ hours_between('diagnosed_at', 'first_reported_at') }}
        end as hours_from_diagnosis
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

    select
        cases.*,
        cases.hours_from_onset <= diseases.deadline_hours as is_on_time_from_onset,
        cases.hours_from_diagnosis <= diseases.deadline_hours as is_on_time_from_diagnosis
    from cases
    inner join diseases on cases.disease_code = diseases.disease_code

),

disease_weeks as (

    select
        disease_code,
        week_start_date,
        count(*) as reported_cases,
        count(hours_from_diagnosis) as diagnosed_cases,
        count(*) filter (where is_on_time_from_diagnosis) as on_time_from_diagnosis_cases,
        {{ percentile(0.5, 'hours_from_diagnosis') }} as median_hours_from_diagnosis,
        {{ percentile(0.9, 'hours_from_diagnosis') }} as p90_hours_from_diagnosis,
        count(*) filter (where is_on_time_from_onset) as on_time_from_onset_cases,
        {{ percentile(0.5, 'hours_from_onset') }} as median_hours_from_onset,
        {{ percentile(0.9, 'hours_from_onset') }} as p90_hours_from_onset,
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
        cast({{ iso_year('days.local_date') }} as integer) as iso_year,
        coalesce(disease_weeks.reported_cases, 0) as reported_cases,
        coalesce(disease_weeks.diagnosed_cases, 0) as diagnosed_cases,
        disease_weeks.on_time_from_diagnosis_cases,
        disease_weeks.median_hours_from_diagnosis,
        disease_weeks.p90_hours_from_diagnosis,
        coalesce(disease_weeks.on_time_from_onset_cases, 0) as on_time_from_onset_cases,
        disease_weeks.median_hours_from_onset,
        disease_weeks.p90_hours_from_onset,
        disease_weeks.last_reported_at
    from reported_diseases
    inner join diseases on reported_diseases.disease_code = diseases.disease_code
    inner join days on {{ iso_weekday('days.local_date') }} = 1
    left join disease_weeks
        on reported_diseases.disease_code = disease_weeks.disease_code
        and days.local_date = disease_weeks.week_start_date

),

hidden as (

    select *, {{ is_small_cell('reported_cases', 'disease_code, iso_year', 'week_start_date') }} as is_small_cell
    from spine

),

judged_weeks as (

    select *, not is_small_cell and diagnosed_cases >= {{ var('least_cell') }} as is_diagnosis_shown from hidden

),

final as (

    select
        disease_code,
        label_vi as disease_name,
        group_code,
        deadline_hours,
        iso_year,
        cast(extract(week from week_start_date) as integer) as iso_week,
        week_start_date,
        is_small_cell,
        case when not is_small_cell then reported_cases end as reported_cases,
        case when not is_small_cell and (is_diagnosis_shown or diagnosed_cases = 0) then diagnosed_cases end as diagnosed_cases,
        case when is_diagnosis_shown then on_time_from_diagnosis_cases end as on_time_from_diagnosis_cases,
        cast(case when is_diagnosis_shown then 100e0 * on_time_from_diagnosis_cases / diagnosed_cases end as double)
            as on_time_from_diagnosis_percent,
        case when is_diagnosis_shown then median_hours_from_diagnosis end as median_hours_from_diagnosis,
        case when is_diagnosis_shown then p90_hours_from_diagnosis end as p90_hours_from_diagnosis,
        case when not is_small_cell then on_time_from_onset_cases end as on_time_from_onset_cases,
        cast(case when not is_small_cell then 100e0 * on_time_from_onset_cases / nullif(reported_cases, 0) end as double)
            as on_time_from_onset_percent,
        case when not is_small_cell then median_hours_from_onset end as median_hours_from_onset,
        case when not is_small_cell then p90_hours_from_onset end as p90_hours_from_onset,
        case when not is_small_cell then date_trunc('hour', last_reported_at) end as last_reported_at
    from judged_weeks

)

select * from final
