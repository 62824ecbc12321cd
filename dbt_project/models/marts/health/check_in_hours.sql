-- Hours of the last day before the clock; who came earlier that local day and is not known to have left is waiting.
with check_ins as (

    select * from {{ ref('int_health_check_ins_current') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

hours as (

    select {{ start_of_local_day('local_date') }} + hour_number * interval 1 hour as hour_at, local_date
    from (
        {{ days_from_to(local_date(clock()) ~ " - interval 1 day", local_date(clock())) }}
    ) as days
    cross join (select unnest(range(24)) as hour_number) as hours_of_day

),

past_hours as (

    select * from hours
    where hour_at < {{ clock() }} and hour_at >= {{ clock() }} - interval '{{ var("check_in_hours_shown") }} hours'

),

arrivals as (

    select facility_code, {{ time_slot('checked_in_at', 60) }} as hour_at, count(*) as check_ins
    from check_ins
    group by facility_code, {{ time_slot('checked_in_at', 60) }}

),

queues as (

    select check_ins.facility_code, past_hours.hour_at, count(*) as waiting
    from check_ins
    inner join past_hours
        on check_ins.checked_in_date = past_hours.local_date
        and check_ins.checked_in_at < past_hours.hour_at + interval 1 hour
        and (check_ins.discharged_at is null or check_ins.discharged_at >= past_hours.hour_at + interval 1 hour)
    group by check_ins.facility_code, past_hours.hour_at

),

final as (

    select
        facilities.facility_code,
        facilities.facility_name,
        past_hours.hour_at,
        {{ local_time('past_hours.hour_at') }} as local_hour_at,
        coalesce(arrivals.check_ins, 0) as check_ins,
        coalesce(queues.waiting, 0) as waiting,
        past_hours.hour_at = max(past_hours.hour_at) over () as is_latest,
        max(case when arrivals.check_ins > 0 then past_hours.hour_at end) over () as newest_check_in_at
    from facilities
    cross join past_hours
    left join arrivals
        on facilities.facility_code = arrivals.facility_code and past_hours.hour_at = arrivals.hour_at
    left join queues
        on facilities.facility_code = queues.facility_code and past_hours.hour_at = queues.hour_at

)

select * from final
