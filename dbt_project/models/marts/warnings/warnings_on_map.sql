-- A commune without a warning has none only while the feed is heard: any message tells that it is, an exercise too.
with communes as (

    {{ commune_shapes() }}

),

warnings as (

    select
        commune_code,
        count(*) as warnings,
        max(risk_level) as risk_level,
        max(severity_rank) as severity_rank,
        max(expires_at) as expires_at,
        {{ joined_texts('event', ', ') }} as events
    from {{ ref('active_warnings') }}
    where commune_code is not null
    group by commune_code

),

heard as (

    select {{ minutes_after('max(messages.sent_at)', 'max(feeds.freshness_limit_minutes)') }} as current_until_at
    from {{ ref('stg_warnings__messages') }} as messages
    inner join {{ ref('feeds') }} as feeds on feeds.feed = 'warnings.messages'

),

severities as (

    select * from {{ ref('warning_severities') }}

),

risks as (

    select * from {{ ref('disaster_risk_levels') }}

),

final as (

    select
        communes.*,
        heard.current_until_at,
        coalesce(warnings.warnings, case when heard.current_until_at > {{ clock() }} then 0 end) as warnings,
        warnings.risk_level,
        case
            when warnings.commune_code is not null then coalesce(risks.label_vi, 'Không nêu cấp')
            when heard.current_until_at > {{ clock() }} then 'Không có cảnh báo'
        end as level_label,
        severities.label_vi as severity_label,
        warnings.events,
        warnings.expires_at
    from communes
    cross join heard
    left join warnings on communes.commune_code = warnings.commune_code
    left join severities on warnings.severity_rank = severities.severity_rank
    left join risks on warnings.risk_level = risks.risk_level

)

select * from final
