with alerts as (

    select * from {{ ref('int_cyber_alerts') }}

),

counted as (

    select
        local_date,
        agency_code,
        agency_name,
        severity_level,
        severity_rank,
        severity_label,
        count(*) as alerts,
        count(case when was_blocked then 1 end) as blocked_alerts,
        count(case when not was_blocked then 1 end) as let_through_alerts,
        count(distinct machine_address) as machines,
        count(responded_at) as responded_alerts,
        count(response_minutes) as known_responses,
        {{ percentile(0.5, 'response_minutes') }} as median_response_minutes,
        max(observed_at) as newest_alert_at
    from alerts
    group by local_date, agency_code, agency_name, severity_level, severity_rank, severity_label

),

final as (

    select
        local_date,
        local_date = max(local_date) over () as is_latest,
        agency_code,
        agency_name,
        severity_level,
        severity_rank,
        severity_label,
        alerts,
        blocked_alerts,
        let_through_alerts,
        alerts - blocked_alerts - let_through_alerts as unknown_action_alerts,
        machines,
        responded_alerts,
        known_responses,
        median_response_minutes,
        newest_alert_at
    from counted

)

select * from final
