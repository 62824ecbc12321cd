with months as (

    select * from {{ ref('feedback_months') }} where is_latest

),

cases as (

    select
        cast(count(case when is_overdue then 1 end) as double) as overdue,
        max(last_changed_at) as last_changed_at
    from {{ ref('feedback_cases') }}
    having count(*) > 0

),

figures as (

    select
        'feedback_on_time' as headline_id,
        months.on_time_percent as value,
        months.on_time_percent_last_month as value_before,
        cases.last_changed_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from cases
    cross join months
    union all
    select
        'feedback_received' as headline_id,
        cast(months.received_cases as double) as value,
        cast(months.received_cases_last_month as double) as value_before,
        cases.last_changed_at as newest_event_at,
        null as current_until_at
    from cases
    cross join months
    union all
    select
        'feedback_overdue' as headline_id,
        overdue as value,
        null as value_before,
        last_changed_at as newest_event_at,
        null as current_until_at
    from cases

),

final as (

    {{ headlines('feedback') }}

)

select * from final
