with calls as (

    select *, {{ time_slot('started_at', 60) }} as hour_at from {{ ref('int_hotline_calls_judged') }}

),

counted as (

    select
        hour_at,
        count(*) as total_calls,
        count(case when is_incoming then 1 end) as incoming_calls,
        count(case when is_offered then 1 end) as offered_calls,
        count(case when is_answered then 1 end) as answered_calls,
        count(is_in_time) as judged_calls,
        count(case when is_in_time then 1 end) as in_time_calls
    from calls
    group by hour_at

),

final as (

    select
        hour_at,
        cast(extract(hour from {{ local_time('hour_at') }}) as integer) as local_hour,
        total_calls,
        incoming_calls,
        offered_calls,
        answered_calls,
        offered_calls - answered_calls as lost_calls,
        judged_calls,
        in_time_calls,
        100e0 * in_time_calls / nullif(judged_calls, 0) as service_level_percent
    from counted

)

select * from final
