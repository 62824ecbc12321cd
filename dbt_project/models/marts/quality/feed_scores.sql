-- The day that the clock of the build stands in, out of the history.
with days as (

    select * from {{ ref('feed_score_days') }}

),

final as (

    select
        feed,
        domain,
        label_vi,
        owner,
        scored_at,
        correct,
        complete,
        clean,
        live,
        consistent,
        score,
        level,
        level_label,
        level_reason,
        identifier_percent,
        expected_slots,
        received_slots,
        received_records,
        accepted_records,
        duplicate_records,
        quarantined_records,
        last_event_at,
        age_minutes,
        freshness_minutes,
        freshness_limit_minutes
    from days
    where local_date = {{ newest_local_day() }}

)

select * from final
