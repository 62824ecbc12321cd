-- Which case a call became is not sent by the source, so that it is not counted here.
with calls as (

    select * from {{ ref('int_hotline_calls_judged') }}

),

counted as (

    select
        local_date,
        count(*) as total_calls,
        count(case when is_incoming then 1 end) as incoming_calls,
        count(case when not is_incoming then 1 end) as outgoing_calls,
        count(case when is_incoming and outcome_code = 'ivr_resolved' then 1 end) as ivr_resolved_calls,
        count(case when is_offered then 1 end) as offered_calls,
        count(case when is_answered then 1 end) as answered_calls,
        count(case when is_offered and outcome_code = 'abandoned' then 1 end) as abandoned_calls,
        count(case when is_offered and outcome_code = 'missed' then 1 end) as missed_calls,
        max(service_level_seconds) as service_level_seconds,
        count(is_in_time) as judged_calls,
        count(case when is_in_time then 1 end) as in_time_calls,
        count(wait_seconds) as waits_known,
        cast(sum(wait_seconds) as bigint) as wait_seconds,
        count(talk_seconds) as talks_known,
        cast(sum(talk_seconds) as bigint) as talk_seconds,
        count(is_satisfied) as rated_calls,
        count(case when is_satisfied then 1 end) as satisfied_calls,
        max(started_at) as newest_call_at
    from calls
    group by local_date

),

final as (

    select
        local_date,
        local_date = max(local_date) over () as is_latest,
        total_calls,
        incoming_calls,
        outgoing_calls,
        ivr_resolved_calls,
        offered_calls,
        answered_calls,
        abandoned_calls,
        missed_calls,
        100e0 * ivr_resolved_calls / nullif(incoming_calls, 0) as ivr_resolved_percent,
        100e0 * answered_calls / nullif(offered_calls, 0) as answered_percent,
        100e0 * abandoned_calls / nullif(offered_calls, 0) as abandoned_percent,
        service_level_seconds,
        judged_calls,
        in_time_calls,
        100e0 * in_time_calls / nullif(judged_calls, 0) as service_level_percent,
        waits_known,
        wait_seconds,
        1e0 * wait_seconds / nullif(waits_known, 0) as mean_wait_seconds,
        talks_known,
        talk_seconds,
        1e0 * talk_seconds / nullif(talks_known, 0) as mean_handling_seconds,
        rated_calls,
        satisfied_calls,
        100e0 * satisfied_calls / nullif(rated_calls, 0) as satisfied_percent,
        newest_call_at
    from counted

)

select * from final
