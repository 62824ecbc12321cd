{{ config(materialized='view', database='memory', schema='staging') }}

-- An event that is an alert has its number: the key of the feed, so that no alert is there twice. Steps that name an alert of which nothing came are
-- left out. A step before its alert, by the clocks of both, gives no time of response.
with alerts as (

    select
        *,
        {{ local_date('observed_at') }} as local_date
    from {{ ref('stg_cyber__alerts') }}
    where event_kind_code = 'alert'

),

steps as (

    select
        source_id,
        alert_id,
        min(observed_at) as responded_at,
        min(case when status_code in ('resolved', 'false_positive') then observed_at end) as closed_at
    from {{ ref('stg_cyber__alerts') }}
    where event_kind_code = 'status'
    group by source_id, alert_id

),

final as (

    select
        alerts.source_id,
        coalesce(sources.source_name, alerts.source_id) as source_name,
        coalesce(sources.agency_code, 'none') as agency_code,
        coalesce(agencies.agency_name, 'Chưa rõ cơ quan') as agency_name,
        alerts.event_id as alert_id,
        alerts.observed_at,
        alerts.local_date,
        severities.severity_level,
        severities.severity_rank,
        severities.label_vi as severity_label,
        actions.was_blocked,
        alerts.signature_id,
        alerts.signature,
        alerts.machine_address,
        alerts.source_address,
        alerts.destination_address,
        alerts.destination_host,
        steps.responded_at,
        case
            when steps.responded_at >= alerts.observed_at then 60e0 * {{ hours_between('alerts.observed_at', 'steps.responded_at') }}
        end as response_minutes,
        steps.closed_at,
        steps.closed_at is null as is_open,
        alerts._source_version
    from alerts
    inner join {{ ref('alert_severities') }} as severities on alerts.severity_code = severities.severity_code
    left join {{ ref('alert_actions') }} as actions on alerts.action_code = actions.action_code
    left join {{ ref('log_sources') }} as sources on alerts.source_id = sources.source_id
    left join {{ ref('agencies') }} as agencies on sources.agency_code = agencies.agency_code
    left join steps on alerts.source_id = steps.source_id and alerts.event_id = steps.alert_id

)

select * from final
