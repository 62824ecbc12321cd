-- Without a message for longer than the feed may be silent, nobody knows whether there is nothing to warn of.
with warnings as (

    select * from {{ ref('active_warnings') }}

),

heard as (

    select
        max(messages.sent_at) as newest_event_at,
        {{ minutes_after('max(messages.sent_at)', 'max(feeds.freshness_limit_minutes)') }} as current_until_at
    from {{ ref('stg_warnings__messages') }} as messages
    inner join {{ ref('feeds') }} as feeds on feeds.feed = 'warnings.messages'

),

counted as (

    select
        count(distinct commune_code) as warned_communes,
        count(distinct case when risk_level >= 3 then commune_code end) as high_risk_communes,
        count(*) as active_warnings,
        min(expires_at) as first_expires_at
    from warnings

),

-- The first warning to expire changes the figures.
figures as (

    select
        named.headline_id,
        case when heard.current_until_at > {{ clock() }} then
            case named.headline_id
                when 'warned_communes' then cast(counted.warned_communes as double)
                when 'high_risk_communes' then cast(counted.high_risk_communes as double)
                when 'active_warnings' then cast(counted.active_warnings as double)
            end
        end as value,
        cast(null as double) as value_before,
        heard.newest_event_at,
        {{ least_known('heard.current_until_at', 'counted.first_expires_at') }} as current_until_at
    from (select distinct headline_id from {{ ref('headlines') }} where domain = 'warnings') as named
    cross join counted
    cross join heard

),

final as (

    {{ headlines('warnings') }}

)

select * from final
