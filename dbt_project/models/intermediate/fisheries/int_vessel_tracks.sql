{{ config(materialized='incremental', unique_key=['vessel_key', 'fixed_at'], on_schema_change='fail') }}

{%- set built = built_version() %}

-- A late fix changes what its successor follows, so a vessel's fixes are written again from the first new one on.
with positions as (

    select * from {{ ref('int_vessel_positions') }}

),

changes as (

    select vessel_key, min(fixed_at) as changed_from
    from positions
    where _source_version > {{ built }}
    group by vessel_key

),

last_unchanged as (

    select positions.vessel_key, max(positions.fixed_at) as fixed_at
    from positions
    inner join changes on positions.vessel_key = changes.vessel_key
    where positions.fixed_at < changes.changed_from
    group by positions.vessel_key

),

touched as (

    select positions.*, changes.changed_from
    from positions
    inner join changes on positions.vessel_key = changes.vessel_key
    left join last_unchanged on positions.vessel_key = last_unchanged.vessel_key
    where positions.fixed_at >= coalesce(last_unchanged.fixed_at, changes.changed_from)

),

followed as (

    select
        *,
        lag(fixed_at) over (partition by vessel_key order by fixed_at) as previous_fix_at,
        lag(latitude) over (partition by vessel_key order by fixed_at) as previous_latitude,
        lag(longitude) over (partition by vessel_key order by fixed_at) as previous_longitude,
        lag(position_error_nm) over (partition by vessel_key order by fixed_at) as previous_error_nm
    from touched

),

measured as (

    select
        *,
        {{ nautical_miles('previous_latitude', 'previous_longitude', 'latitude', 'longitude') }}
        - previous_error_nm - position_error_nm as least_distance_nm
    from followed
    where fixed_at >= changed_from

),

-- A coarse position proves no more of a way than its rounding cannot explain.
fixes as (

    select
        *,
        case when least_distance_nm < 0 then 0.0 else least_distance_nm end
        / nullif({{ hours_between('previous_fix_at', 'fixed_at') }}, 0) as implied_knots
    from measured

),

ports as (

    select fixes.vessel_key, fixes.fixed_at, min(ports.port_code) as port_code
    from fixes
    inner join {{ ref('ports') }} as ports
        on {{ nautical_miles('fixes.latitude', 'fixes.longitude', 'ports.latitude', 'ports.longitude') }} * 1.852
        <= ports.radius_km + fixes.position_error_nm * 1.852
    group by fixes.vessel_key, fixes.fixed_at

),

-- Each edge in nautical miles, seen from the vessel: x to the east, y to the north.
seen_edges as (

    select
        fixes.vessel_key,
        fixes.fixed_at,
        60 * cos(radians(fixes.latitude)) * (edges.from_longitude - fixes.longitude) as from_x,
        60 * (edges.from_latitude - fixes.latitude) as from_y,
        60 * cos(radians(fixes.latitude)) * (edges.to_longitude - edges.from_longitude) as along_x,
        60 * (edges.to_latitude - edges.from_latitude) as along_y
    from fixes
    cross join {{ ref('int_boundary_edges') }} as edges

),

nearest_points as (

    select
        *,
        {{ greatest_known('0e0', least_known(
            '1e0', '-1e0 * (from_x * along_x + from_y * along_y) / nullif(along_x * along_x + along_y * along_y, 0)'
        )) }} as share_along,
        (from_y > 0) <> (from_y + along_y > 0)
        and from_x - 1e0 * from_y * along_x / nullif(along_y, 0) > 0 as is_crossed_to_the_east
    from seen_edges

),

boundary as (

    select
        vessel_key,
        fixed_at,
        min(sqrt(
            power(from_x + share_along * along_x, 2) + power(from_y + share_along * along_y, 2)
        )) as boundary_distance_nm,
        count(*) filter (where is_crossed_to_the_east) % 2 = 1 as is_inside
    from nearest_points
    group by vessel_key, fixed_at

),

final as (

    select
        fixes.vessel_key,
        fixes.source_code,
        fixes.vessel_id,
        fixes.fixed_at,
        fixes.latitude,
        fixes.longitude,
        fixes.position_error_nm,
        fixes.speed_knots,
        fixes.course_degrees,
        fixes.previous_fix_at,
        fixes.implied_knots,
        ports.port_code,
        ports.port_code is not null and coalesce(fixes.speed_knots, 0) < {{ var('port_knots') }} as is_in_port,
        case
            when boundary.boundary_distance_nm < fixes.position_error_nm then null
            when not boundary.is_inside and boundary.boundary_distance_nm > {{ var('boundary_reach_nm') }} then 'away'
            when not boundary.is_inside then 'across'
            when abs(boundary.boundary_distance_nm - {{ var('near_boundary_nm') }}) < fixes.position_error_nm then null
            when boundary.boundary_distance_nm <= {{ var('near_boundary_nm') }} then 'near'
            else 'inside'
        end as zone_code,
        boundary.boundary_distance_nm,
        fixes._source_version
    from fixes
    inner join boundary
        on fixes.vessel_key = boundary.vessel_key
        and fixes.fixed_at = boundary.fixed_at
    left join ports
        on fixes.vessel_key = ports.vessel_key
        and fixes.fixed_at = ports.fixed_at

)

select * from final
