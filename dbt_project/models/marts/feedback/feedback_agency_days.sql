-- Built anew each time: what is overdue moves with the clock, not with new rows, and the table is small (agencies times days).
with cases as (

    select * from {{ ref('feedback_cases') }}

),

agencies as (

    select * from {{ ref('agencies') }}

),

days as (

    {{ days_of('select requested_date as local_date from cases', local_date(clock())) }}

),

agency_days as (

    select
        agency_code,
        requested_date as local_date,
        count(*) as received_cases,
        count(*) filter (where is_closed) as closed_cases,
        count(*) filter (where is_within_competence) as within_competence_cases,
        count(*) filter (where is_handled) as handled_cases,
        count(*) filter (where is_on_time is not null) as due_closed_cases,
        count(*) filter (where is_on_time is not null or is_overdue) as due_cases,
        count(*) filter (where is_on_time) as on_time_cases,
        count(*) filter (where is_overdue) as overdue_cases,
        count(satisfaction_rating) as rated_cases,
        count(*) filter (where is_satisfied) as satisfied_cases,
        percentile_cont(0.5) within group (order by case when is_handled then hours_to_close end) as median_hours_to_close,
        percentile_cont(0.9) within group (order by case when is_handled then hours_to_close end) as p90_hours_to_close
    from cases
    group by agency_code, requested_date

),

final as (

    select
        agencies.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        days.local_date,
        coalesce(agency_days.received_cases, 0) as received_cases,
        coalesce(agency_days.closed_cases, 0) as closed_cases,
        coalesce(agency_days.within_competence_cases, 0) as within_competence_cases,
        coalesce(agency_days.handled_cases, 0) as handled_cases,
        coalesce(agency_days.due_closed_cases, 0) as due_closed_cases,
        coalesce(agency_days.due_cases, 0) as due_cases,
        coalesce(agency_days.on_time_cases, 0) as on_time_cases,
        coalesce(agency_days.overdue_cases, 0) as overdue_cases,
        coalesce(agency_days.rated_cases, 0) as rated_cases,
        coalesce(agency_days.satisfied_cases, 0) as satisfied_cases,
        100.0 * agency_days.handled_cases / nullif(agency_days.within_competence_cases, 0) as handled_percent,
        100.0 * agency_days.on_time_cases / nullif(agency_days.due_closed_cases, 0) as on_time_of_closed_percent,
        100.0 * agency_days.on_time_cases / nullif(agency_days.due_cases, 0) as on_time_of_due_percent,
        agency_days.median_hours_to_close,
        agency_days.p90_hours_to_close
    from agencies
    cross join days
    left join agency_days
        on agencies.agency_code = agency_days.agency_code
        and days.local_date = agency_days.local_date

)

select * from final
