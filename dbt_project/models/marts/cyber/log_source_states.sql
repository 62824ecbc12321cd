-- Where nothing at all was heard for as long as a source may be silent, the collector is down, and nobody knows which source is silent.
with limits as (

    select in_force.hi as silent_after_minutes
    from ({{ thresholds_in_force("thresholds.domain = 'cyber' and thresholds.key = 'source_silence'") }}) as in_force

),

heard as (

    select
        source_id,
        max(observed_at) as last_heard_at,
        max(case when event_kind_code = 'alert' then observed_at end) as last_alert_at
    from {{ ref('stg_cyber__alerts') }}
    where event_kind_code <> 'status'
    group by source_id

),

sources as (

    select
        coalesce(listed.source_id, heard.source_id) as source_id,
        coalesce(listed.source_name, heard.source_id) as source_name,
        listed.agency_code,
        listed.source_id is not null as is_listed,
        heard.last_heard_at,
        heard.last_alert_at,
        60e0 * {{ hours_between('heard.last_heard_at', clock()) }} as silent_minutes
    from {{ ref('log_sources') }} as listed
    full outer join heard on listed.source_id = heard.source_id

),

final as (

    select
        sources.source_id,
        sources.source_name,
        coalesce(sources.agency_code, 'none') as agency_code,
        coalesce(agencies.agency_name, 'Chưa rõ cơ quan') as agency_name,
        sources.is_listed,
        sources.last_heard_at,
        sources.last_alert_at,
        {{ six_decimals('sources.silent_minutes') }} as silent_minutes,
        case
            when min(sources.silent_minutes) over () <= limits.silent_after_minutes
                then coalesce(sources.silent_minutes > limits.silent_after_minutes, true)
        end as is_silent
    from sources
    cross join limits
    left join {{ ref('agencies') }} as agencies on sources.agency_code = agencies.agency_code

)

select * from final
