-- Built anew each time, out of the days that miss something: ages grow, and so do the attempts to fetch again.
with slot_days as (

    select * from {{ ref('slot_days') }}
    where missing_slots > 0

),

feeds as (

    select * from {{ ref('feeds') }}

),

recaptures as (

    select * from {{ ref('stg_quality__recaptures') }}

),

starts as (

    select slot_days.feed, slot_days.object_id, slot_days.local_date, members.member as slot_start_at
    from slot_days
    cross join {{ members_of('slot_days.missing_starts') }}

),

missing as (

    select
        starts.*,
        {{ minutes_after('starts.slot_start_at', 'feeds.cadence_minutes') }} as slot_end_at,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        feeds.freshness_minutes,
        feeds.is_refetchable,
        feeds.lost_reason
    from starts
    inner join feeds on starts.feed = feeds.feed

),

attempts as (

    select
        missing.feed,
        missing.object_id,
        missing.slot_start_at,
        count(*) as recapture_attempts,
        max(recaptures.asked_at) as last_asked_at,
        {{ value_at_greatest('recaptures.outcome', 'recaptures.asked_at') }} as last_outcome
    from missing
    inner join recaptures
        on missing.feed = recaptures.feed
        and missing.object_id = recaptures.object_id
        and missing.slot_start_at >= recaptures.window_start_at
        and missing.slot_end_at <= recaptures.window_end_at
    group by missing.feed, missing.object_id, missing.slot_start_at

),

final as (

    select
        missing.feed,
        missing.domain,
        missing.label_vi,
        missing.owner,
        missing.object_id,
        missing.local_date,
        missing.slot_start_at,
        missing.slot_end_at,
        {{ minutes_after('missing.slot_end_at', 'missing.freshness_minutes') }} as due_at,
        {{ hours_between('missing.slot_end_at', clock()) }} as age_hours,
        missing.is_refetchable,
        case when not missing.is_refetchable then missing.lost_reason end as lost_reason,
        coalesce(attempts.recapture_attempts, 0) as recapture_attempts,
        attempts.last_asked_at,
        attempts.last_outcome,
        {{ clock() }} as judged_at
    from missing
    left join attempts
        on missing.feed = attempts.feed
        and missing.object_id = attempts.object_id
        and missing.slot_start_at = attempts.slot_start_at

)

select * from final
