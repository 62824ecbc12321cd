-- Built anew each time: an open gap grows with the clock, and a late packet can split any earlier one. A vessel that was too short at the time for
-- the duty to report has no gaps; one that the register does not know is taken to have it, for the feed is of vessels that do.
with positions as (

    select * from {{ ref('int_vessel_tracks') }}
    where source_code = 'vms'

),

silences as (

    select
        *,
        lead(fixed_at) over (partition by vessel_key order by fixed_at) as next_fix_at
    from positions

),

measured as (

    select
        *,
        coalesce(next_fix_at, {{ clock() }}) as silent_until,
        coalesce(next_fix_at, {{ watermark() }}) as known_until,
        {{ hours_between('fixed_at', 'coalesce(next_fix_at, ' ~ clock() ~ ')') }} as duration_hours
    from silences

),

counted as (

    select
        *,
        {{ local_slot_number('silent_until', 60 * var('vms_slot_hours')) }}
        - {{ local_slot_number('fixed_at', 60 * var('vms_slot_hours')) }} - 1 as missed_slots
    from measured

),

gaps as (

    select
        counted.*,
        registrations.operator_code
    from counted
    left join {{ ref('int_vessel_registrations') }} as registrations
        on counted.vessel_key = registrations.vessel_key
        and {{ was_registered_at('counted.fixed_at') }}
    where
        (counted.missed_slots >= 1 or counted.duration_hours > {{ var('silence_hours') }})
        and coalesce(registrations.is_obliged, true)

),

operator_shares as (

    select
        gaps.vessel_key,
        gaps.fixed_at,
        {{ six_decimals('sum(' ~ hours_between(
            greatest_known('gaps.fixed_at', 'silences.started_at'), least_known('gaps.known_until', 'silences.silent_until')
        ) ~ ')') }} as hours
    from gaps
    inner join {{ ref('int_operator_silences') }} as silences
        on gaps.operator_code = silences.operator_code
        and silences.started_at < gaps.known_until
        and silences.silent_until > gaps.fixed_at
    group by gaps.vessel_key, gaps.fixed_at

),

judged as (

    select
        gaps.*,
        coalesce(operator_shares.hours, 0) as operator_silent_hours,
        {{ greatest_known(hours_between('gaps.fixed_at', 'gaps.known_until'), 0) }} - coalesce(operator_shares.hours, 0) as known_silent_hours
    from gaps
    left join operator_shares
        on gaps.vessel_key = operator_shares.vessel_key
        and gaps.fixed_at = operator_shares.fixed_at

),

final as (

    select
        vessel_key,
        source_code,
        vessel_id,
        fixed_at as gap_started_at,
        next_fix_at as gap_ended_at,
        {{ local_date('fixed_at') }} as gap_started_date,
        duration_hours,
        {{ greatest_known('missed_slots', 0) }} as missed_slots,
        duration_hours > {{ var('silence_hours') }} as is_silence_6h,
        next_fix_at is null as is_open,
        is_in_port as started_in_port,
        operator_silent_hours,
        known_silent_hours,
        case
            when is_in_port then 'in_port'
            when known_silent_hours > 24 * {{ var('silence_days') }} then 'silent_10d'
            when known_silent_hours > {{ var('silence_hours') }} then 'silent_6h'
            when operator_silent_hours > 0 then 'unknown'
            else 'missed_slot'
        end as finding_code,
        latitude,
        longitude
    from judged

)

select * from final
