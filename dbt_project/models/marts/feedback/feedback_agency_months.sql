-- Built anew each time: what is overdue moves with the clock.
with cases as (

    select *, {{ month_of('requested_date') }} as month_date from {{ ref('feedback_cases') }}

),

agencies as (

    select * from {{ ref('agencies') }}

),

limits as (

    select
        max(lo) filter (where key = 'closed_share') as handled_target_percent,
        max(lo) filter (where key = 'satisfied_share') as satisfied_target_percent,
        max(lo) filter (where key = 'ranking_minimum_cases') as ranking_least_cases
    from ({{ thresholds_in_force("thresholds.domain = 'feedback'") }}) as in_force

),

months as (

    {{ months_to_now('select month_date as local_date from cases') }}

),

counted as (

    select
        agency_code,
        month_date,
        {{ feedback_counts() }}
    from cases
    group by agency_code, month_date

),

listed as (

    select
        agencies.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        months.month_date,
        months.month_date = {{ month_of(local_date(clock())) }} as is_latest,
        {{ feedback_figures('counted') }},
        limits.handled_target_percent,
        limits.satisfied_target_percent,
        limits.ranking_least_cases
    from agencies
    cross join months
    cross join limits
    left join counted
        on agencies.agency_code = counted.agency_code
        and months.month_date = counted.month_date

),

final as (

    select
        *,
        case
            when due_cases >= ranking_least_cases
                then rank() over (partition by month_date, due_cases >= ranking_least_cases order by on_time_of_due_percent desc)
        end as on_time_rank,
        case when due_cases < ranking_least_cases then 'Quá ít vụ đến hạn để xếp hạng' end as unranked_reason
    from listed

)

select * from final
