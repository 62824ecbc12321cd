with communes as (

    {{ commune_shapes() }}

),

accidents as (

    select commune_code, month_date, sum(accidents) as accidents
    from {{ ref('accident_groups') }}
    where is_latest
    group by commune_code, month_date

),

flows as (

    select * from {{ ref('stg_traffic__flows') }}

),

newest as (

    select section_code, max(newest_slot_at) as started_at
    from {{ ref('traffic_hours') }}
    group by section_code

),

observations as (

    select flows.*
    from flows
    inner join newest on flows.section_code = newest.section_code and flows.started_at = newest.started_at

),

slots as (

    {{ traffic_slots('observations') }}

),

levels as (

    {{ thresholds_in_force("thresholds.domain = 'traffic' and thresholds.key = 'level_of_service'") }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'traffic.flows'

),

sections as (

    select
        sections.*,
        slots.started_at as slot_at,
        {{ minutes_after('slots.started_at', 'feeds.freshness_limit_minutes') }} as current_until_at,
        {{ six_decimals('12e0 * slots.pcu / sections.capacity_pcu_hour') }} as volume_capacity_ratio,
        slots.speed_kmh,
        slots.is_congested
    from {{ ref('road_sections') }} as sections
    cross join feeds
    left join slots on sections.section_code = slots.section_code

),

final as (

    select
        communes.*,
        accidents.month_date,
        cast(accidents.accidents as bigint) as accidents,
        cast(null as {{ instant_type() }}) as slot_at,
        cast(null as {{ instant_type() }}) as current_until_at,
        cast(null as double) as volume_capacity_ratio,
        cast(null as varchar) as service_level,
        cast(null as double) as speed_kmh,
        cast(null as boolean) as is_congested
    from communes
    left join accidents on communes.commune_code = accidents.commune_code
    union all
    select
        {{ point_shape(
            'section', 'sections.section_code', 'sections.section_name', 'sections.commune_code', 'sections.latitude', 'sections.longitude',
            var('map_point_km')
        ) }},
        null as month_date,
        null as accidents,
        sections.slot_at,
        sections.current_until_at,
        sections.volume_capacity_ratio,
        levels.level as service_level,
        sections.speed_kmh,
        sections.is_congested
    from sections
    left join levels on {{ is_level_of_service('sections.volume_capacity_ratio') }}

)

select * from final
