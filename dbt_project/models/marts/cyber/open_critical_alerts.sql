with limits as (

    select in_force.hi as overdue_hours
    from ({{ thresholds_in_force("thresholds.domain = 'cyber' and thresholds.key = 'critical_open'") }}) as in_force

),

alerts as (

    select
        *,
        {{ six_decimals(hours_between('observed_at', clock())) }} as open_hours
    from {{ ref('int_cyber_alerts') }}
    where is_open and severity_level = 'critical'

),

final as (

    select
        alerts.source_id,
        alerts.alert_id,
        alerts.source_name,
        alerts.agency_code,
        alerts.agency_name,
        alerts.signature,
        alerts.was_blocked,
        alerts.observed_at,
        alerts.responded_at,
        alerts.open_hours,
        alerts.open_hours > limits.overdue_hours as is_overdue
    from alerts
    cross join limits

)

select * from final
