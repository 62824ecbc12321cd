{# The five minutes of each section, of observations of the feed: vehicles, passenger car units, mean speed weighted by vehicles, and whether it was
   congested: a lane's counter tells it, or the speed falls below the share of the free-flow speed that the threshold congested_speed sets. NULL where
   neither is told. #}
{% macro traffic_slots(observations) -%}
    with days as (
        select {{ local_date('started_at') }} as local_date from {{ observations }}
    ),

    limits as (
        {{ thresholds_in_force("thresholds.domain = 'traffic' and thresholds.key = 'congested_speed'", 'days') }}
    ),

    told as (
        select
            flows.section_code,
            flows.started_at,
            cast(sum(flows.vehicles) as bigint) as vehicles,
            {{ six_decimals('sum(flows.vehicles * types.pcu)') }} as pcu,
            {{ six_decimals(
                '1e0 * sum(flows.vehicles * flows.speed_kmh) / nullif(sum(case when flows.speed_kmh is not null then flows.vehicles end), 0)'
            ) }} as speed_kmh,
            bool_or(flows.is_congested) as is_told_congested,
            max(flows._source_version) as source_version
        from {{ observations }} as flows
        inner join {{ ref('vehicle_types') }} as types on flows.vehicle_type = types.vehicle_type
        group by flows.section_code, flows.started_at
    )

    select
        told.section_code,
        told.started_at,
        told.vehicles,
        told.pcu,
        told.speed_kmh,
        case
            when told.is_told_congested or told.speed_kmh < limits.hi * sections.free_flow_kmh then true
            when told.is_told_congested is not null or told.speed_kmh is not null then false
        end as is_congested,
        told.source_version
    from told
    inner join {{ ref('road_sections') }} as sections on told.section_code = sections.section_code
    left join limits on {{ local_date('told.started_at') }} = limits.local_date
{%- endmacro %}

{# The level of service of a ratio of volume to capacity, as a join of `levels` (the thresholds level_of_service in force). #}
{% macro is_level_of_service(ratio) -%}
    (levels.lo is null or {{ ratio }} > levels.lo) and (levels.hi is null or {{ ratio }} <= levels.hi) and {{ ratio }} is not null
{%- endmacro %}
