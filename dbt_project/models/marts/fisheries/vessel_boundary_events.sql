-- Built anew each time from the vessels that were ever out of the inner waters: a late fix can move any earlier event. A boundary speaks of those
-- alone who came within its reach: who was never heard near it is none of its waters, and who was is across it however far away. A coarse position
-- that may lie on either side of a limit confirms nothing.
with zoned as (

    select
        *,
        bool_or(zone_code <> 'away') over (
            partition by vessel_key order by fixed_at rows between unbounded preceding and current row
        ) as has_been_near
    from {{ ref('int_vessel_tracks') }}
    where
        zone_code is not null
        and vessel_key in (select vessel_key from {{ ref('int_vessel_tracks') }} where zone_code <> 'inside')

),

fixes as (

    select * from zoned
    where has_been_near

),

confirmed as (

    select
        *,
        {{ confirmed("zone_code in ('across', 'away')") }} as is_across,
        {{ confirmed("zone_code <> 'inside'") }} as is_close,
        lag(fixed_at, {{ var('hysteresis_fixes') - 1 }}) over (partition by vessel_key order by fixed_at) as first_of_row_at
    from fixes

),

lasting as (

    select
        *,
        {{ last_known('is_across', 'so_far') }} as was_across,
        {{ last_known('is_close', 'so_far') }} as was_close
    from confirmed
    window so_far as (partition by vessel_key order by fixed_at rows between unbounded preceding and current row)

),

zones as (

    select
        *,
        case when was_across then 'across' when was_close then 'near' when not was_close then 'inside' end as confirmed_zone
    from lasting

),

changes as (

    select
        *,
        lag(confirmed_zone) over (partition by vessel_key order by fixed_at) as previous_zone_code
    from zones

),

events as (

    select * from changes
    where
        confirmed_zone <> coalesce(previous_zone_code, 'inside')

),

final as (

    select
        events.vessel_key,
        events.source_code,
        events.vessel_id,
        registrations.registration_number,
        events.confirmed_zone as zone_code,
        case events.confirmed_zone
            when 'across' then 'Vượt ranh giới'
            when 'near' then 'Gần ranh giới'
            else 'Trở vào trong'
        end as zone_label,
        coalesce(events.previous_zone_code, 'inside') as previous_zone_code,
        events.first_of_row_at as started_at,
        events.fixed_at as confirmed_at,
        lead(events.first_of_row_at) over (partition by events.vessel_key order by events.fixed_at) as ended_at,
        {{ local_date('events.first_of_row_at') }} as started_date,
        round(events.boundary_distance_nm, 3) as boundary_distance_nm,
        events.latitude,
        events.longitude,
        '{{ var("maritime_boundary") }}' as boundary_code
    from events
    left join {{ ref('int_vessel_registrations') }} as registrations
        on events.vessel_key = registrations.vessel_key
        and {{ was_registered_at('events.first_of_row_at') }}

)

select * from final
