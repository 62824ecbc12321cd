-- Built anew each time: what is open grows with the clock, and a late packet can end any earlier finding. What AIS tells of a vessel's waters and
-- licence counts only where its satellite device was never heard, so that nothing is found twice. What happened is judged by the register of its day:
-- a licence that is renewed later was none before. AIS hears ships all over the world: of those that the register does not know, only what they do in
-- the East Sea is found.
with tracks as (

    select * from {{ ref('int_vessel_tracks') }}

),

registrations as (

    select * from {{ ref('int_vessel_registrations') }}

),

heard_by_satellite as (

    select distinct vessel_id as registration_number, true as is_heard
    from tracks
    where source_code = 'vms'

),

fixes as (

    select
        tracks.*,
        registrations.registration_number,
        registrations.licence_expires_date,
        tracks.source_code = 'vms' or heard_by_satellite.is_heard is null as is_leading,
        tracks.source_code = 'vms'
        or registrations.registration_number is not null
        or ({{ is_in_east_sea('tracks.latitude', 'tracks.longitude') }}) as is_of_interest
    from tracks
    left join registrations
        on tracks.vessel_key = registrations.vessel_key
        and {{ was_registered_at('tracks.fixed_at') }}
    left join heard_by_satellite on registrations.registration_number = heard_by_satellite.registration_number

),

flags as (

    select
        'licence_expired_at_sea' as kind_code,
        vessel_key,
        fixed_at,
        previous_fix_at,
        latitude,
        longitude,
        cast({{ days_between('licence_expires_date', local_date('fixed_at')) }} as double) as measured_value,
        is_leading and not is_in_port and licence_expires_date < {{ local_date('fixed_at') }} as is_found
    from fixes
    where licence_expires_date is not null
    union all
    select
        'teleport' as kind_code,
        vessel_key,
        fixed_at,
        previous_fix_at,
        latitude,
        longitude,
        implied_knots as measured_value,
        is_of_interest and coalesce(implied_knots > {{ var('teleport_knots') }}, false) as is_found
    from fixes
    union all
    select
        'speed_outlier' as kind_code,
        vessel_key,
        fixed_at,
        previous_fix_at,
        latitude,
        longitude,
        speed_knots as measured_value,
        is_of_interest and coalesce(speed_knots > {{ var('outlier_knots') }}, false) as is_found
    from fixes

),

numbered as (

    select
        *,
        count(case when not is_found then 1 end) over (
            partition by kind_code, vessel_key order by fixed_at rows between unbounded preceding and current row
        ) as run_number,
        lead(fixed_at) over (partition by kind_code, vessel_key order by fixed_at) as next_fix_at
    from flags

),

-- A run of fixes with the same flaw is one finding: a single wrong position is two jumps, there and back.
runs as (

    select
        kind_code,
        vessel_key,
        case when kind_code = 'teleport' then min(previous_fix_at) else min(fixed_at) end as started_at,
        case
            when kind_code = 'teleport' then max(fixed_at)
            when max(next_fix_at) > max(fixed_at) then max(next_fix_at)
        end as ended_at,
        max(measured_value) as measured_value,
        {{ value_at_greatest('latitude', 'fixed_at') }} as latitude,
        {{ value_at_greatest('longitude', 'fixed_at') }} as longitude
    from numbered
    where is_found
    group by kind_code, vessel_key, run_number

),

unknown_vessels as (

    select
        'unknown_vessel' as kind_code,
        fixes.vessel_key,
        min(fixes.fixed_at) as started_at,
        cast(null as {{ instant_type() }}) as ended_at,
        cast(count(*) as double) as measured_value,
        {{ value_at_greatest('fixes.latitude', 'fixes.fixed_at') }} as latitude,
        {{ value_at_greatest('fixes.longitude', 'fixes.fixed_at') }} as longitude
    from fixes
    left join {{ ref('int_vessel_names') }} as names on fixes.vessel_key = names.vessel_key
    where
        fixes.registration_number is null
        and fixes.is_of_interest
        and (fixes.source_code = 'vms' or names.ship_type_code = '{{ var("ais_fishing_type") }}')
    group by fixes.vessel_key

),

of_vessels as (

    select * from runs
    union all
    select * from unknown_vessels
    union all
    select
        finding_code as kind_code,
        vessel_key,
        gap_started_at as started_at,
        gap_ended_at as ended_at,
        known_silent_hours as measured_value,
        latitude,
        longitude
    from {{ ref('vessel_gaps') }}
    where finding_code in ('silent_6h', 'silent_10d')
    union all
    select
        events.zone_code || '_boundary' as kind_code,
        events.vessel_key,
        events.started_at,
        events.ended_at,
        events.boundary_distance_nm as measured_value,
        events.latitude,
        events.longitude
    from {{ ref('vessel_boundary_events') }} as events
    left join heard_by_satellite on events.registration_number = heard_by_satellite.registration_number
    where
        events.zone_code in ('near', 'across')
        and (events.source_code = 'vms' or heard_by_satellite.is_heard is null)
        and (events.source_code = 'vms' or events.registration_number is not null)

),

findings as (

    select
        of_vessels.kind_code,
        of_vessels.vessel_key as subject_code,
        of_vessels.vessel_key,
        registrations.registration_number,
        coalesce(names.vessel_name, registrations.registered_name) as vessel_name,
        registrations.operator_code,
        of_vessels.started_at,
        of_vessels.ended_at,
        of_vessels.measured_value,
        cast(null as bigint) as vessels_affected,
        of_vessels.latitude,
        of_vessels.longitude
    from of_vessels
    left join registrations
        on of_vessels.vessel_key = registrations.vessel_key
        and {{ was_registered_at('of_vessels.started_at') }}
    left join {{ ref('int_vessel_names') }} as names
        on of_vessels.vessel_key = names.vessel_key
    union all
    select
        'operator_silent' as kind_code,
        operator_code as subject_code,
        cast(null as varchar) as vessel_key,
        cast(null as varchar) as registration_number,
        cast(null as varchar) as vessel_name,
        operator_code,
        started_at,
        ended_at,
        silent_hours as measured_value,
        vessels_at_sea as vessels_affected,
        cast(null as double) as latitude,
        cast(null as double) as longitude
    from {{ ref('int_operator_silences') }}

),

told as (

    select
        *,
        {{ number_text('measured_value', 1) }} as value_shown,
        {{ number_text('measured_value', 0) }} as count_shown
    from findings

),

final as (

    select
        told.kind_code,
        kinds.label_vi as kind_label,
        kinds.severity_code,
        case kinds.severity_code
            when 'critical' then 'Nghiêm trọng'
            when 'warning' then 'Cảnh báo'
            else 'Lưu ý'
        end as severity_label,
        told.subject_code,
        told.vessel_key,
        told.registration_number,
        told.vessel_name,
        told.operator_code,
        told.started_at,
        told.ended_at,
        {{ local_date('told.started_at') }} as started_date,
        told.ended_at is null as is_open,
        told.measured_value,
        case
            when told.kind_code in ('silent_6h', 'silent_10d') then told.value_shown || ' giờ không có vị trí'
            when told.kind_code = 'operator_silent'
                then told.value_shown || ' giờ; ' || cast(told.vessels_affected as varchar) || ' tàu trên biển không thể biết'
            when told.kind_code in ('near_boundary', 'across_boundary') then 'cách ranh giới ' || told.value_shown || ' hải lý'
            when told.kind_code = 'licence_expired_at_sea' then 'hết hạn ' || told.count_shown || ' ngày'
            when told.kind_code = 'unknown_vessel' then told.count_shown || ' vị trí của tàu không có trong sổ'
            else told.value_shown || ' hải lý/giờ'
        end as evidence,
        told.vessels_affected,
        told.latitude,
        told.longitude
    from told
    inner join {{ ref('vessel_alert_kinds') }} as kinds on told.kind_code = kinds.kind_code

)

select * from final
