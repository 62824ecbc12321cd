{{ config(materialized='incremental', unique_key=['section_code', 'hour_at'], on_schema_change='fail') }}

{%- set stage = ref('stg_traffic__flows') %}

-- The volume of an hour is made whole from the five minutes that are known, if they are enough.
with observations as (

    select * from {{ stage }}

),

affected as (

    select distinct section_code, {{ time_slot('started_at', 60) }} as hour_at
    from observations
    where _source_version > {{ built_version('source_version') }}

),

read as (

    select observations.*
    from observations
    inner join affected
        on observations.section_code = affected.section_code
        and {{ time_slot('observations.started_at', 60) }} = affected.hour_at

),

slots as (

    {{ traffic_slots('read') }}

),

counted as (

    select
        section_code,
        {{ time_slot('started_at', 60) }} as hour_at,
        {{ local_date('min(started_at)') }} as local_date,
        count(*) as known_slots,
        cast(sum(vehicles) as bigint) as vehicles,
        {{ six_decimals('sum(pcu)') }} as pcu,
        {{ six_decimals(
            '1e0 * sum(vehicles * speed_kmh) / nullif(sum(case when speed_kmh is not null then vehicles end), 0)'
        ) }} as speed_kmh,
        count(is_congested) as judged_slots,
        count(case when is_congested then 1 end) as congested_slots,
        max(started_at) as newest_slot_at,
        max(source_version) as source_version
    from slots
    group by section_code, {{ time_slot('started_at', 60) }}

),

limits as (

    {{ thresholds_in_force("thresholds.domain = 'traffic' and thresholds.key = 'known_slots'", 'counted') }}

),

levels as (

    {{ thresholds_in_force("thresholds.domain = 'traffic' and thresholds.key = 'level_of_service'", 'counted') }}

),

sections as (

    select * from {{ ref('road_sections') }}

),

scaled as (

    select
        counted.*,
        case when counted.known_slots >= limits.lo then {{ six_decimals('12e0 * counted.pcu / counted.known_slots') }} end as pcu_per_hour
    from counted
    inner join limits on counted.local_date = limits.local_date

),

judged as (

    select
        scaled.*,
        sections.section_name,
        sections.road_number,
        sections.commune_code,
        sections.free_flow_kmh,
        {{ six_decimals('1e0 * scaled.pcu_per_hour / sections.capacity_pcu_hour') }} as volume_capacity_ratio
    from scaled
    inner join sections on scaled.section_code = sections.section_code

),

final as (

    select
        judged.section_code,
        judged.section_name,
        judged.road_number,
        judged.commune_code,
        judged.hour_at,
        judged.local_date,
        cast(extract(hour from {{ local_time('judged.hour_at') }}) as integer) as local_hour,
        judged.known_slots,
        judged.vehicles,
        judged.pcu,
        judged.pcu_per_hour,
        judged.volume_capacity_ratio,
        levels.level as service_level,
        judged.speed_kmh,
        {{ six_decimals('100e0 - 100e0 * judged.speed_kmh / judged.free_flow_kmh') }} as speed_drop_percent,
        judged.judged_slots,
        case when judged.judged_slots > 0 then 5 * judged.congested_slots end as congestion_minutes,
        judged.newest_slot_at,
        judged.source_version
    from judged
    left join levels
        on judged.local_date = levels.local_date
        and {{ is_level_of_service('judged.volume_capacity_ratio') }}

)

select * from final
