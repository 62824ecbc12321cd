{#
    The periods that a month (`month_date` of `months`) is compared with, one row each: itself, up to today (this_month); the same days of the
    month before (last_month); the same days of that month a year before (last_year). A month that is over is compared with whole months.
#}
{% macro compared_periods(months) -%}
{%- for period, months_back in [('this_month', 0), ('last_month', 1), ('last_year', 12)] %}
    select
        month_date,
        '{{ period }}' as period_code,
        cast(month_date - interval '{{ months_back }}' month as date) as first_date,
        least(
            cast({{ newest_local_day() }} - interval '{{ months_back }}' month as date),
            cast(month_date + interval '1' month - interval '{{ months_back }}' month - interval '1' day as date)
        ) as last_date
    from {{ months }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# A figure of one of these periods; NULL where what is known begins after the first day of the period. `compared` has a row per month and period. #}
{% macro of_period(figure, period) -%}
    max(case when period_code = '{{ period }}' and is_known then {{ figure }} end)
{%- endmacro %}

{% macro why_not_compared(period) -%}
    case when not coalesce(bool_or(is_known) filter (where period_code = '{{ period }}'), false) then 'chưa đủ lịch sử' end
{%- endmacro %}
