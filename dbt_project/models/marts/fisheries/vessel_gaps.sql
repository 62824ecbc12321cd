-- Built anew each time: an open gap grows with the clock, and a late packet can split any earlier one.
with positions as (

    select * from {{ ref('int_vessel_positions') }}
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

final as (

    select
        vessel_key,
        source_code,
        vessel_id,
        fixed_at as gap_started_at,
        next_fix_at as gap_ended_at,
        {{ local_date('fixed_at') }} as gap_started_date,
        duration_hours,
        greatest(missed_slots, 0) as missed_slots,
        duration_hours > {{ var('silence_hours') }} as is_silence_6h,
        next_fix_at is null as is_open,
        latitude,
        longitude
    from counted
    where missed_slots >= 1 or duration_hours > {{ var('silence_hours') }}

)

select * from final
