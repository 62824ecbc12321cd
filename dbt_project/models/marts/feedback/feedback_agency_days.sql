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
        {{ feedback_counts() }}
    from cases
    group by agency_code, requested_date

),

final as (

    select
        agencies.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        days.local_date,
        {{ feedback_figures('agency_days') }}
    from agencies
    cross join days
    left join agency_days
        on agencies.agency_code = agency_days.agency_code
        and days.local_date = agency_days.local_date

)

select * from final
