with alerts as (

    select
        cast(count(case when is_open then 1 end) as double) as open_now,
        cast(
            count(
                case
                    when
                        started_at <= {{ clock() }} - interval '24' hour
                        and (ended_at is null or ended_at > {{ clock() }} - interval '24' hour)
                        then 1
                end
            ) as double
        ) as open_a_day_ago
    from {{ ref('vessel_alerts') }}
    where severity_code = 'critical'

),

vessels as (

    select
        cast(count(case when status_code in ('silent_6h', 'silent_10d') then 1 end) as double) as silent,
        cast(count(distinct case when is_active_24h then vessel_code end) as double) as active,
        max(last_fix_at) as last_fix_at
    from {{ ref('vessels_last_seen') }}
    having count(*) > 0

),

figures as (

    select
        'critical_vessel_alerts' as headline_id,
        alerts.open_now as value,
        alerts.open_a_day_ago as value_before,
        vessels.last_fix_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from vessels
    cross join alerts
    union all
    select
        'silent_vessels' as headline_id,
        silent as value,
        null as value_before,
        last_fix_at as newest_event_at,
        null as current_until_at
    from vessels
    union all
    select
        'active_vessels' as headline_id,
        active as value,
        null as value_before,
        last_fix_at as newest_event_at,
        null as current_until_at
    from vessels

),

final as (

    {{ headlines('fisheries') }}

)

select * from final
