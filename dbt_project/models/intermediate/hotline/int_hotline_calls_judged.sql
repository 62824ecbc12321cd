{{ config(materialized='view', database='memory', schema='staging') }}

-- An offered call is one that came in and asked for an agent: what the automatic menu resolved did not. Whether an answered call of unknown wait
-- was in time is not known.
with calls as (

    select
        *,
        {{ local_date('started_at') }} as local_date,
        direction_code = 'in' as is_incoming
    from {{ ref('stg_hotline__calls') }}

),

limits as (

    select
        in_force.local_date,
        max(case when in_force.key = 'service_level' then in_force.hi end) as service_level_seconds,
        max(case when in_force.key = 'satisfied_rating' then in_force.lo end) as satisfied_from_rating
    from ({{ thresholds_in_force("thresholds.domain = 'hotline'", 'calls') }}) as in_force
    group by in_force.local_date

),

judged as (

    select
        calls.*,
        limits.service_level_seconds,
        limits.satisfied_from_rating,
        calls.is_incoming and calls.outcome_code <> 'ivr_resolved' as is_offered,
        calls.is_incoming and calls.outcome_code = 'answered' as is_answered
    from calls
    left join limits on calls.local_date = limits.local_date

),

final as (

    select
        call_id,
        started_at,
        local_date,
        is_incoming,
        is_offered,
        is_answered,
        outcome_code,
        case when is_answered then wait_seconds <= service_level_seconds when is_offered then false end as is_in_time,
        case when is_offered then wait_seconds end as wait_seconds,
        case when is_answered then talk_seconds end as talk_seconds,
        satisfaction_rating >= satisfied_from_rating as is_satisfied,
        service_level_seconds
    from judged

)

select * from final
