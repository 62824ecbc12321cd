with alerts as (

    select
        *,
        {{ days_between('local_date', newest_local_day()) }} as age_days
    from {{ ref('int_cyber_alerts') }}

),

counted as (

    select
        agency_code,
        count(*) as alerts,
        count(case when severity_level = 'critical' then 1 end) as critical_alerts,
        count(distinct machine_address) as machines,
        count(was_blocked) as judged_alerts,
        count(case when was_blocked then 1 end) as blocked_alerts,
        count(responded_at) as responded_alerts,
        {{ percentile(0.5, 'response_minutes') }} as median_response_minutes
    from alerts
    where age_days < {{ var('alert_agency_days') }}
    group by agency_code

),

opened as (

    select
        agency_code,
        count(*) as open_critical_alerts,
        count(case when is_overdue then 1 end) as overdue_critical_alerts
    from {{ ref('open_critical_alerts') }}
    group by agency_code

),

sources as (

    select
        agency_code,
        agency_name,
        count(*) as log_sources,
        count(case when is_silent then 1 end) as silent_log_sources,
        count(is_silent) as judged_log_sources
    from {{ ref('log_source_states') }}
    group by agency_code, agency_name

),

final as (

    select
        sources.agency_code,
        sources.agency_name,
        coalesce(counted.alerts, 0) as alerts,
        coalesce(counted.critical_alerts, 0) as critical_alerts,
        coalesce(counted.machines, 0) as machines,
        coalesce(counted.judged_alerts, 0) as judged_alerts,
        coalesce(counted.blocked_alerts, 0) as blocked_alerts,
        100e0 * counted.blocked_alerts / nullif(counted.judged_alerts, 0) as blocked_percent,
        coalesce(counted.responded_alerts, 0) as responded_alerts,
        100e0 * counted.responded_alerts / nullif(counted.alerts, 0) as responded_percent,
        counted.median_response_minutes,
        coalesce(opened.open_critical_alerts, 0) as open_critical_alerts,
        coalesce(opened.overdue_critical_alerts, 0) as overdue_critical_alerts,
        sources.log_sources,
        case when sources.judged_log_sources > 0 then sources.silent_log_sources end as silent_log_sources
    from sources
    left join counted on sources.agency_code = counted.agency_code
    left join opened on sources.agency_code = opened.agency_code

)

select * from final
