-- Every section on every day since the first observation, so that a counter that tells nothing is seen. The newest day goes as far as the newest
-- five minutes of any section.
with hours as (

    select * from {{ ref('traffic_hours') }}

),

newest as (

    select
        max(newest_slot_at) as newest_slot_at,
        max(local_date) as newest_date
    from hours

),

days as (

    {{ days_of('select local_date from hours', '(select newest_date from newest)') }}

),

sections as (

    select * from {{ ref('road_sections') }}

),

counted as (

    select
        section_code,
        local_date,
        sum(known_slots) as known_slots,
        sum(vehicles) as vehicles,
        {{ six_decimals('sum(pcu)') }} as pcu,
        max(volume_capacity_ratio) as peak_volume_capacity_ratio,
        {{ value_at_greatest('local_hour', 'volume_capacity_ratio') }} as peak_hour,
        {{ value_at_greatest('service_level', 'volume_capacity_ratio') }} as peak_service_level,
        sum(judged_slots) as judged_slots,
        sum(congestion_minutes) as congestion_minutes,
        max(newest_slot_at) as newest_slot_at,
        max(source_version) as source_version
    from hours
    group by section_code, local_date

),

final as (

    select
        sections.section_code,
        sections.section_name,
        sections.road_number,
        sections.commune_code,
        days.local_date,
        days.local_date = newest.newest_date as is_latest,
        case
            when days.local_date < newest.newest_date then 288
            else cast(round({{ hours_between(start_of_local_day('days.local_date'), 'newest.newest_slot_at') }} * 12) as bigint) + 1
        end as expected_slots,
        cast(coalesce(counted.known_slots, 0) as bigint) as known_slots,
        cast(counted.vehicles as bigint) as vehicles,
        counted.pcu,
        counted.peak_volume_capacity_ratio,
        counted.peak_hour,
        counted.peak_service_level,
        cast(coalesce(counted.judged_slots, 0) as bigint) as judged_slots,
        cast(counted.congestion_minutes as bigint) as congestion_minutes,
        counted.newest_slot_at,
        coalesce(counted.source_version, 0) as source_version
    from sections
    cross join days
    cross join newest
    left join counted on sections.section_code = counted.section_code and days.local_date = counted.local_date

)

select * from final
