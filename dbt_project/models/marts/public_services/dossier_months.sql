-- Built anew each time: the running month moves with the clock. What is open at the end of a month is told by how the dossiers stand now.
with dossiers as (

    select * from {{ ref('dossiers') }}
    where state_code in ('in_progress', 'supplementing', 'processed', 'returned')

),

targets as (

    select * from {{ ref('annual_targets') }}

),

periods as (

    {{ compared_periods('select received_date as local_date from dossiers') }}

),

counted as (

    select
        periods.month_date,
        periods.period_code,
        count(case when dossiers.received_date >= periods.first_date then 1 end) as received,
        count(case when dossiers.received_date >= periods.first_date and dossiers.is_online_procedure then 1 end) as received_in_online_procedures,
        count(
            case when dossiers.received_date >= periods.first_date and dossiers.is_online_procedure and dossiers.channel_code = '2' then 1 end
        ) as online_in_online_procedures,
        count(
            case when dossiers.finished_date between periods.first_date and periods.last_date and dossiers.is_on_time is not null then 1 end
        ) as processed_total,
        count(
            case when dossiers.finished_date between periods.first_date and periods.last_date and dossiers.is_on_time then 1 end
        ) as processed_on_time,
        count(case when dossiers.closed_date is null or dossiers.closed_date > periods.last_date then 1 end) as open_dossiers
    from periods
    left join dossiers on dossiers.received_date <= periods.last_date
    where dossiers.dossier_id is not null
    group by periods.month_date, periods.period_code

),

compared as (

    select
        periods.*,
        {%- for count in [
            'received', 'received_in_online_procedures', 'online_in_online_procedures', 'processed_total', 'processed_on_time', 'open_dossiers'
        ] %}
        coalesce(counted.{{ count }}, 0) as {{ count }},
        {%- endfor %}
        100e0 * counted.processed_on_time / nullif(counted.processed_total, 0) as on_time_percent,
        100e0 * counted.online_in_online_procedures / nullif(counted.received_in_online_procedures, 0) as online_percent
    from periods
    left join counted on periods.month_date = counted.month_date and periods.period_code = counted.period_code

),

wide as (

    select
        month_date,
        month_date = {{ month_of(newest_local_day()) }} as is_latest,
        cast(extract(year from month_date) as integer) as year,
        max(case when period_code = 'this_month' then last_date end) as last_date,
{%- for figure in [
    'received', 'received_in_online_procedures', 'online_in_online_procedures', 'processed_total', 'processed_on_time', 'on_time_percent',
    'online_percent', 'open_dossiers'
] %}
        {{ of_period(figure, 'this_month') }} as {{ figure }},
{%- endfor %}
{%- for period in ['last_month', 'last_year'] %}
{%- for figure in ['received', 'processed_total', 'on_time_percent', 'online_percent', 'open_dossiers'] %}
        {{ of_period(figure, period) }} as {{ figure }}_{{ period }},
{%- endfor %}
        {{ why_not_compared(period) }} as {{ period }}_unknown_reason{{ ',' if not loop.last }}
{%- endfor %}
    from compared
    group by month_date

),

final as (

    select
        wide.month_date,
        wide.is_latest,
        wide.last_date,
{%- for figure in [
    'received', 'received_in_online_procedures', 'online_in_online_procedures', 'processed_total', 'processed_on_time', 'on_time_percent',
    'online_percent', 'open_dossiers'
] %}
        wide.{{ figure }},
{%- endfor %}
{%- for period in ['last_month', 'last_year'] %}
{%- for figure in ['received', 'processed_total', 'on_time_percent', 'online_percent', 'open_dossiers'] %}
        wide.{{ figure }}_{{ period }},
{%- endfor %}
        wide.{{ period }}_unknown_reason,
{%- endfor %}
        100e0 * sum(wide.processed_on_time) over year_so_far / nullif(sum(wide.processed_total) over year_so_far, 0) as on_time_percent_of_year,
        100e0 * sum(wide.online_in_online_procedures) over year_so_far
        / nullif(sum(wide.received_in_online_procedures) over year_so_far, 0) as online_percent_of_year,
        on_time_targets.target_percent as on_time_target_percent,
        online_targets.target_percent as online_target_percent
    from wide
    left join targets as on_time_targets
        on wide.year = on_time_targets.year
        and on_time_targets.indicator_code = 'on_time_percent'
    left join targets as online_targets
        on wide.year = online_targets.year
        and online_targets.indicator_code = 'online_percent'
    window year_so_far as (partition by wide.year order by wide.month_date)

)

select * from final
