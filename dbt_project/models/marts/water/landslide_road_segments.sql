-- A segment is to be closed for the risk or for a slope that moves. It may stay open only where both are known: the risk, and every sensor of the
-- commune.
with segments as (

    select * from {{ ref('landslide_roads') }}

),

communes as (

    select * from {{ ref('communes') }}

),

risks as (

    select
        *,
        case when current_until_at > {{ clock() }} then risk_level end as risk_level_now
    from {{ ref('landslide_risks') }}

),

limits as (

    select
        max(case when level = 'risk_level' then lo end) as risk_level,
        max(case when level = 'movement_level' then lo end) as movement_level
    from ({{ thresholds_in_force("thresholds.domain = 'water' and thresholds.key = 'road_closure'") }}) as in_force

),

judged as (

    select
        segments.*,
        risks.risk_level_now as risk_level,
        risks.movement_level,
        case
            when risks.risk_level_now >= limits.risk_level then risks.current_until_at
            when risks.movement_level >= limits.movement_level or risks.movement_until_at < risks.current_until_at then risks.movement_until_at
            else risks.current_until_at
        end as judged_until_at,
        case
            when risks.risk_level_now >= limits.risk_level or risks.movement_level >= limits.movement_level then true
            when risks.risk_level_now is not null and risks.known_sensors = risks.sensors then false
        end as is_to_close
    from segments
    cross join limits
    left join risks on segments.commune_code = risks.commune_code

),

final as (

    select
        judged.segment_id,
        judged.segment_name,
        judged.road_name,
        judged.commune_code,
        communes.commune_name,
        judged.length_km,
        judged.risk_level,
        judged.movement_level,
        judged.is_to_close,
        case when judged.is_to_close is not null then judged.judged_until_at end as current_until_at,
        judged.detour_vi,
        judged.detour_en
    from judged
    left join communes on judged.commune_code = communes.commune_code

)

select * from final
