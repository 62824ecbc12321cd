-- Decree 26/2019 as amended by 37/2024: a vessel whose device has failed tells its position by other means every six hours and is in port within ten
-- days. A report by hand is judged by the time until the next position of any kind; the last one up to the watermark, and not before six hours are
-- over.
with reports as (

    select
        vessel_key,
        vessel_id,
        fixed_at,
        is_in_port,
        lead(fixed_at) over (partition by vessel_key order by fixed_at) as next_fix_at
    from {{ ref('int_vessel_tracks') }}
    where source_code = 'vms'

),

by_hand as (

    select 'vms:' || vessel_id as vessel_key, fixed_at
    from {{ ref('stg_fisheries__vms_positions') }}
    where message_type_code = 'MAN'
    group by vessel_id, fixed_at

),

measured as (

    select
        reports.*,
        {{ hours_between('reports.fixed_at', 'coalesce(reports.next_fix_at, ' ~ watermark() ~ ')') }} as hours_until_next
    from reports
    inner join by_hand on reports.vessel_key = by_hand.vessel_key and reports.fixed_at = by_hand.fixed_at
    where not reports.is_in_port

),

judged as (

    select
        *,
        case
            when hours_until_next > {{ var('silence_hours') }} then false
            when next_fix_at is not null then true
        end as is_in_time
    from measured

),

counted as (

    select
        vessel_key,
        vessel_id,
        {{ local_date('fixed_at') }} as local_date,
        count(*) as manual_reports,
        count(is_in_time) as judged_reports,
        count(case when is_in_time then 1 end) as in_time_reports,
        max(hours_until_next) as longest_silence_hours
    from judged
    group by vessel_key, vessel_id, {{ local_date('fixed_at') }}

),

final as (

    select
        counted.vessel_key,
        counted.vessel_id,
        counted.local_date,
        registrations.commune_code,
        registrations.operator_code,
        counted.manual_reports,
        counted.judged_reports,
        counted.in_time_reports,
        round(cast(100 as double) * counted.in_time_reports / nullif(counted.judged_reports, 0), 6) as in_time_percent,
        counted.longest_silence_hours
    from counted
    left join {{ ref('int_vessel_registrations') }} as registrations
        on counted.vessel_key = registrations.vessel_key
        and {{ was_registered_at(start_of_local_day('counted.local_date')) }}

)

select * from final
