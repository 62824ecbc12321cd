{%- set slot_minutes = 60 * var('vms_slot_hours') %}
{%- set most_slots = 366 * 24 // var('vms_slot_hours') %}

-- Built anew each time: a late packet fills a slot of any earlier day. A slot without a fix is at sea where the last fix before it was, for a
-- year at most: no voyage is longer, and a fix of 1980 is a device whose clock was not set, not a vessel at sea ever since. Vessels
-- too short for the duty to report are left out, as the register had them that day.
with fixes as (

    select
        vessel_key,
        vessel_id,
        fixed_at,
        is_in_port,
        {{ local_slot_number('fixed_at', slot_minutes) }} as slot_number
    from {{ ref('int_vessel_tracks') }}
    where source_code = 'vms'

),

heard_slots as (

    select
        vessel_key,
        vessel_id,
        slot_number,
        bool_or(not is_in_port) as is_at_sea,
        {{ value_at_greatest('is_in_port', 'fixed_at') }} as ends_in_port
    from fixes
    where slot_number < {{ local_slot_number(clock(), slot_minutes) }}
    group by vessel_key, vessel_id, slot_number

),

followed as (

    select
        *,
        lead(slot_number, 1, {{ local_slot_number(clock(), slot_minutes) }}) over (
            partition by vessel_key order by slot_number
        ) as next_slot_number
    from heard_slots

),

slots as (

    select vessel_key, vessel_id, slot_number, true as is_received
    from heard_slots
    where is_at_sea
    union all
    select followed.vessel_key, followed.vessel_id, numbers.number as slot_number, false as is_received
    from followed
    cross join {{ numbers_from_to(
        'followed.slot_number + 1', least_known('followed.next_slot_number - 1', 'followed.slot_number + ' ~ most_slots)
    ) }}
    where not followed.ends_in_port

),

operator_slots as (

    select distinct registrations.vessel_key, numbers.number as slot_number
    from {{ ref('int_operator_silences') }} as silences
    inner join {{ ref('int_vessel_registrations') }} as registrations
        on silences.operator_code = registrations.operator_code
        and {{ was_registered_at('silences.started_at') }}
    cross join {{ numbers_from_to(
        local_slot_number('silences.started_at', slot_minutes),
        least_known(
            local_slot_number('coalesce(silences.ended_at, ' ~ clock() ~ ')', slot_minutes),
            local_slot_number('silences.started_at', slot_minutes) ~ ' + ' ~ most_slots
        )
    ) }}

),

judged as (

    select
        slots.vessel_key,
        slots.vessel_id,
        {{ date_of_local_slot('slots.slot_number', slot_minutes) }} as local_date,
        slots.is_received,
        not slots.is_received and operator_slots.vessel_key is not null as is_unknown
    from slots
    left join operator_slots
        on slots.vessel_key = operator_slots.vessel_key
        and slots.slot_number = operator_slots.slot_number

),

counted as (

    select
        vessel_key,
        vessel_id,
        local_date,
        count(*) as at_sea_slots,
        count(*) filter (where is_received) as received_slots,
        count(*) filter (where is_unknown) as unknown_slots,
        count(*) filter (where not is_received and not is_unknown) as missed_slots
    from judged
    group by vessel_key, vessel_id, local_date

),

final as (

    select
        counted.vessel_key,
        counted.vessel_id,
        counted.local_date,
        registrations.operator_code,
        counted.at_sea_slots,
        counted.received_slots,
        counted.unknown_slots,
        counted.missed_slots,
        round(100e0 * counted.received_slots / nullif(counted.received_slots + counted.missed_slots, 0), 6) as compliance_percent,
        counted.missed_slots = 0 as is_compliant,
        counted.local_date = max(counted.local_date) over () as is_latest
    from counted
    left join {{ ref('int_vessel_registrations') }} as registrations
        on counted.vessel_key = registrations.vessel_key
        and {{ was_registered_at(start_of_local_day('counted.local_date')) }}
    where coalesce(registrations.is_obliged, true)

)

select * from final
