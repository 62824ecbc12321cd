-- The newest day with a call may not be over: a share is compared with that of the day before, a number with nothing.
with days as (

    select * from {{ ref('hotline_days') }}

),

compared as (

    select
        today.*,
        yesterday.service_level_percent as service_level_percent_before,
        yesterday.answered_percent as answered_percent_before
    from days as today
    left join days as yesterday on yesterday.local_date = {{ days_after('today.local_date', -1) }}
    where today.is_latest

),

figures as (

    select
        'calls_in_time' as headline_id,
        service_level_percent as value,
        service_level_percent_before as value_before,
        newest_call_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from compared
    union all
    select
        'calls_answered' as headline_id,
        answered_percent as value,
        answered_percent_before as value_before,
        newest_call_at as newest_event_at,
        null as current_until_at
    from compared
    union all
    select
        'calls_incoming' as headline_id,
        cast(incoming_calls as double) as value,
        null as value_before,
        newest_call_at as newest_event_at,
        null as current_until_at
    from compared

),

final as (

    {{ headlines('hotline') }}

)

select * from final
