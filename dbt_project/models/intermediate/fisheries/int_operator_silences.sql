{{ config(materialized='table') }}

-- Built anew each time: an open silence grows with the clock, and a late packet ends any earlier one.
with fixes as (

    select
        registrations.operator_code,
        tracks.vessel_key,
        tracks.fixed_at,
        tracks.is_in_port
    from {{ ref('int_vessel_tracks') }} as tracks
    inner join {{ ref('int_vessel_registrations') }} as registrations
        on tracks.vessel_key = registrations.vessel_key
        and {{ was_registered_at('tracks.fixed_at') }}
    where tracks.source_code = 'vms' and registrations.operator_code is not null

),

moments as (

    select distinct operator_code, fixed_at from fixes

),

silences as (

    select
        operator_code,
        fixed_at as started_at,
        lead(fixed_at) over (partition by operator_code order by fixed_at) as ended_at
    from moments

),

measured as (

    select
        *,
        coalesce(ended_at, {{ watermark() }}) as silent_until
    from silences

),

long_silences as (

    select
        *,
        {{ hours_between('started_at', 'silent_until') }} as silent_hours
    from measured
    where {{ hours_between('started_at', 'silent_until') }} > {{ var('operator_silence_hours') }}

),

final as (

    select
        long_silences.operator_code,
        long_silences.started_at,
        long_silences.ended_at,
        long_silences.silent_until,
        long_silences.silent_hours,
        count(distinct fixes.vessel_key) as vessels_at_sea
    from long_silences
    inner join fixes
        on long_silences.operator_code = fixes.operator_code
        and fixes.fixed_at <= long_silences.started_at
        and fixes.fixed_at >= long_silences.started_at - interval '{{ var("silence_hours") }}' hour
        and not fixes.is_in_port
    group by
        long_silences.operator_code,
        long_silences.started_at,
        long_silences.ended_at,
        long_silences.silent_until,
        long_silences.silent_hours
    having count(distinct fixes.vessel_key) >= {{ var('operator_least_vessels') }}

)

select * from final
