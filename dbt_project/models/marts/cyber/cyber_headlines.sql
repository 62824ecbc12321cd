-- Where nothing at all was heard for longer than the feed may be silent, nobody knows what is open or silent.
with heard as (

    select
        max(states.last_heard_at) as newest_event_at,
        {{ minutes_after('max(states.last_heard_at)', 'max(feeds.freshness_limit_minutes)') }} as current_until_at
    from {{ ref('log_source_states') }} as states
    inner join {{ ref('feeds') }} as feeds on feeds.feed = 'cyber.alerts'

),

overdue as (

    select count(*) as overdue_critical_alerts
    from {{ ref('open_critical_alerts') }}
    where is_overdue

),

silent as (

    select
        case when count(is_silent) > 0 then count(case when is_silent then 1 end) end as silent_log_sources
    from {{ ref('log_source_states') }}

),

newest_day as (

    select
        sum(alerts) as alerts,
        max(newest_alert_at) as newest_alert_at
    from {{ ref('alert_days') }}
    where is_latest

),

figures as (

    select
        'overdue_critical_alerts' as headline_id,
        case when heard.current_until_at > {{ clock() }} then cast(overdue.overdue_critical_alerts as double) end as value,
        cast(null as double) as value_before,
        heard.newest_event_at,
        heard.current_until_at
    from heard
    cross join overdue
    union all
    select
        'silent_log_sources' as headline_id,
        cast(silent.silent_log_sources as double) as value,
        null as value_before,
        heard.newest_event_at,
        heard.current_until_at
    from heard
    cross join silent
    union all
    select
        'cyber_alerts' as headline_id,
        cast(alerts as double) as value,
        null as value_before,
        newest_alert_at as newest_event_at,
        null as current_until_at
    from newest_day

),

final as (

    {{ headlines('cyber') }}

)

select * from final
