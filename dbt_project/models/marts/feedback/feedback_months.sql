-- Built anew each time: the running month moves with the clock. What is open at the end of a month is told by how the cases stand now.
with cases as (

    select
        *,
        {{ local_date('closed_by_at') }} as closed_by_date
    from {{ ref('feedback_cases') }}

),

periods as (

    {{ compared_periods('select requested_date as local_date from cases') }}

),

counted as (

    select
        periods.month_date,
        periods.period_code,
        count(case when cases.requested_date between periods.first_date and periods.last_date then 1 end) as received_cases,
        count(case when cases.is_handled and cases.closed_by_date between periods.first_date and periods.last_date then 1 end) as handled_cases,
        count(
            case when cases.is_on_time is not null and cases.closed_by_date between periods.first_date and periods.last_date then 1 end
        ) as due_closed_cases,
        count(case when cases.is_on_time and cases.closed_by_date between periods.first_date and periods.last_date then 1 end) as on_time_cases,
        count(
            case when cases.requested_date <= periods.last_date and (cases.closed_by_date > periods.last_date or not cases.is_closed) then 1 end
        ) as open_cases
    from periods
    left join cases on cases.requested_date <= periods.last_date
    group by periods.month_date, periods.period_code

),

compared as (

    select
        counted.*,
        100e0 * counted.on_time_cases / nullif(counted.due_closed_cases, 0) as on_time_percent,
        periods.last_date,
        periods.is_known
    from counted
    inner join periods on counted.month_date = periods.month_date and counted.period_code = periods.period_code

),

final as (

    select
        month_date,
        month_date = {{ month_of(newest_local_day()) }} as is_latest,
        max(case when period_code = 'this_month' then last_date end) as last_date,
{%- for figure in ['received_cases', 'handled_cases', 'due_closed_cases', 'on_time_cases', 'on_time_percent', 'open_cases'] %}
        {{ of_period(figure, 'this_month') }} as {{ figure }},
{%- endfor %}
{%- for period in ['last_month', 'last_year'] %}
{%- for figure in ['received_cases', 'handled_cases', 'on_time_percent', 'open_cases'] %}
        {{ of_period(figure, period) }} as {{ figure }}_{{ period }},
{%- endfor %}
        {{ why_not_compared(period) }} as {{ period }}_unknown_reason{{ ',' if not loop.last }}
{%- endfor %}
    from compared
    group by month_date

)

select * from final
