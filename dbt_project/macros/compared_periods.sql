{#
    The periods that each month is compared with, from the first of `dates` (a query of one column, `local_date`) up to the running one, a row
    each: itself, up to today (this_month); the same days of the month before (last_month); the same days of that month a year before
    (last_year). A month that is over is compared with whole months. `is_known` tells whether the history reaches back to the period's
    first day.
#}
{% macro compared_periods(dates) -%}
    with days as (
        select local_date
        from ({{ days_of(dates, newest_local_day()) }}) as told
        where local_date between {{ first_day_of_history() }} and {{ newest_local_day() }}
    ),

    months as (
        select distinct {{ month_of('local_date') }} as month_date from days
    ),

    compared as (
{%- for period, months_back in [('this_month', 0), ('last_month', 1), ('last_year', 12)] %}
        select
            month_date,
            '{{ period }}' as period_code,
            cast(month_date - interval '{{ months_back }}' month as date) as first_date,
            {{ least_known(
                'cast(' ~ newest_local_day() ~ " - interval '" ~ months_back ~ "' month as date)",
                "cast(month_date + interval '1' month - interval '" ~ months_back ~ "' month - interval '1' day as date)"
            ) }} as last_date
        from months
        {{ 'union all' if not loop.last }}
{%- endfor %}
    )

    select *, period_code = 'this_month' or first_date >= (select min(local_date) from days) as is_known
    from compared
{%- endmacro %}

{# A figure of one of these periods; NULL where what is known begins after the first day of the period. `compared` has a row per month and period. #}
{% macro of_period(figure, period) -%}
    max(case when period_code = '{{ period }}' and is_known then {{ figure }} end)
{%- endmacro %}

{% macro why_not_compared(period) -%}
    case when not coalesce(bool_or(is_known) filter (where period_code = '{{ period }}'), false) then 'chưa đủ lịch sử' end
{%- endmacro %}
