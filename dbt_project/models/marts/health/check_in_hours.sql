-- The 24 newest hours that are over. When a patient left is known from the claims of the day alone: until these have come, who is waiting is not
-- known, and an estimate stands beside it. Who came to stay does not wait.
with check_ins as (

    select
        *,
        coalesce(visit_type_code in ({{ "'" ~ var('inpatient_visit_types') | join("', '") ~ "'" }}), false) as is_inpatient
    from {{ ref('int_health_check_ins_current') }}

),

messages as (

    select * from {{ ref('int_health_facility_messages') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

hours_of_day as (

    select number as hour_number from {{ numbers_from_to(0, 23) }}

),

hours as (

    select {{ minutes_after(start_of_local_day('local_date'), '60 * hour_number') }} as hour_at, local_date
    from (
        {{ days_from_to(local_date(clock()) ~ " - interval '2' day", local_date(clock())) }}
    ) as days
    cross join hours_of_day

),

past_hours as (

    select *, hour_at + interval '1' hour as ends_at
    from hours
    where
        hour_at + interval '1' hour <= {{ clock() }}
        and hour_at + interval '1' hour > {{ clock() }} - interval '{{ var("check_in_hours_shown") }}' hour

),

facility_hours as (

    select
        facilities.facility_code,
        facilities.facility_name,
        past_hours.hour_at,
        past_hours.ends_at,
        coalesce(past_hours.ends_at <= messages.last_received_at, false) as are_arrivals_known,
        coalesce(
            past_hours.local_date <= messages.last_claims_date and past_hours.ends_at <= messages.last_claims_received_at, false
        ) as are_departures_known
    from facilities
    cross join past_hours
    left join messages on facilities.facility_code = messages.facility_code

),

arrivals as (

    select facility_code, {{ time_slot('checked_in_at', 60) }} as hour_at, count(*) as check_ins
    from check_ins
    group by facility_code, {{ time_slot('checked_in_at', 60) }}

),

queues as (

    select
        check_ins.facility_code,
        past_hours.hour_at,
        count(*) as waiting,
        count(*) filter (
            where check_ins.checked_in_at >= past_hours.ends_at - interval '{{ var("usual_visit_hours") }}' hour
        ) as waiting_estimate
    from check_ins
    inner join past_hours
        on check_ins.checked_in_at >= past_hours.ends_at - interval '{{ var("longest_wait_hours") }}' hour
        and check_ins.checked_in_at < past_hours.ends_at
        and (check_ins.discharged_at is null or check_ins.discharged_at >= past_hours.ends_at)
    where not check_ins.is_inpatient
    group by check_ins.facility_code, past_hours.hour_at

),

final as (

    select
        facility_hours.facility_code,
        facility_hours.facility_name,
        facility_hours.hour_at,
        {{ local_time('facility_hours.hour_at') }} as local_hour_at,
        case when facility_hours.are_arrivals_known then coalesce(arrivals.check_ins, 0) end as check_ins,
        case when facility_hours.are_departures_known then coalesce(queues.waiting, 0) end as waiting,
        case when facility_hours.are_arrivals_known then coalesce(queues.waiting_estimate, 0) end as waiting_estimate,
        facility_hours.hour_at = max(facility_hours.hour_at) over () as is_latest,
        max(case when arrivals.check_ins > 0 then facility_hours.hour_at end) over () as newest_check_in_at
    from facility_hours
    left join arrivals
        on facility_hours.facility_code = arrivals.facility_code and facility_hours.hour_at = arrivals.hour_at
    left join queues
        on facility_hours.facility_code = queues.facility_code and facility_hours.hour_at = queues.hour_at

)

select * from final
