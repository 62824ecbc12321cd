-- Hashes are compared: equal addresses and hosts have equal ones. An alert counts if the indicator was valid when it was observed.
with indicators as (

    select
        *,
        coalesce(is_revoked, false) as was_revoked,
        coalesce(valid_until, {{ instant('9999-01-01T00:00:00+00:00') }}) as valid_to
    from {{ ref('int_cyber__indicators_current') }}

),

alerts as (

    select * from {{ ref('int_cyber_alerts') }}

),

named as (

    select source_id, alert_id, observed_at, machine_address, source_address as observable
    from alerts
    where source_address is not null
    union
    select source_id, alert_id, observed_at, machine_address, destination_address as observable
    from alerts
    where destination_address is not null
    union
    select source_id, alert_id, observed_at, machine_address, destination_host as observable
    from alerts
    where destination_host is not null

),

matched as (

    select
        indicators.indicator_id,
        count(*) as matched_alerts,
        count(distinct named.machine_address) as machines,
        max(named.observed_at) as last_matched_at
    from indicators
    inner join named
        on indicators.observable = named.observable
        and named.observed_at >= indicators.valid_from
        and named.observed_at < indicators.valid_to
    where not indicators.was_revoked
    group by indicators.indicator_id

),

final as (

    select
        indicators.indicator_id,
        indicators.indicator_name,
        indicators.pattern_type,
        indicators.observable_kind_code,
        indicators.observable is not null as is_compared,
        indicators.modified_at,
        indicators.valid_from,
        indicators.valid_until,
        indicators.was_revoked as is_revoked,
        not indicators.was_revoked and indicators.valid_from <= {{ clock() }} and indicators.valid_to > {{ clock() }} as is_in_force,
        case when indicators.observable is not null then coalesce(matched.matched_alerts, 0) end as matched_alerts,
        case when indicators.observable is not null then coalesce(matched.machines, 0) end as machines,
        matched.last_matched_at
    from indicators
    left join matched on indicators.indicator_id = matched.indicator_id

)

select * from final
