-- What was reported in 30 days, and the newest day, which may not be over: a number is compared with nothing.
with days as (

    select * from {{ ref('incident_days') }}

),

ages as (

    select
        *,
        {{ days_between('local_date', newest_local_day()) }} as age_days,
        max({{ days_between('local_date', newest_local_day()) }}) over () as oldest_days,
        max(newest_update_at) over () as newest_event_at
    from days

),

of_thirty_days as (

    select
        100e0 * sum(case when age_days between 0 and 29 then handled_incidents end)
        / nullif(sum(case when age_days between 0 and 29 then judged_incidents end), 0) as handled_percent,
        100e0 * sum(case when oldest_days >= 59 and age_days between 30 and 59 then handled_incidents end)
        / nullif(sum(case when age_days between 30 and 59 then judged_incidents end), 0) as handled_percent_before,
        max(newest_event_at) as newest_event_at
    from ages

),

compared as (

    select
        today.*,
        yesterday.median_response_minutes as median_response_minutes_before
    from ages as today
    left join days as yesterday on yesterday.local_date = {{ days_after('today.local_date', -1) }}
    where today.is_latest

),

figures as (

    select
        'incidents_handled' as headline_id,
        handled_percent as value,
        handled_percent_before as value_before,
        newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from of_thirty_days
    union all
    select
        'incident_response' as headline_id,
        median_response_minutes as value,
        median_response_minutes_before as value_before,
        newest_update_at as newest_event_at,
        null as current_until_at
    from compared
    union all
    select
        'incidents' as headline_id,
        cast(incidents as double) as value,
        null as value_before,
        newest_update_at as newest_event_at,
        null as current_until_at
    from compared

),

final as (

    {{ headlines('security') }}

)

select * from final
