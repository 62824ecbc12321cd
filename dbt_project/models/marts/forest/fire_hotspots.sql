-- A spot belongs to the smallest commune whose ring holds it, since a commune within another lies on top of it. Of several versions of a spot the
-- best processed one counts: the standard product, then near real time, real time and ultra real time.
with hotspots as (

    select
        *,
        row_number() over (
            partition by latitude, longitude, acquired_at, satellite
            order by
                case
                    when product_version like '%URT' then 3
                    when product_version like '%NRT' then 1
                    when product_version like '%RT' then 2
                    else 0
                end,
                product_version desc
        ) as place_among_versions
    from {{ ref('stg_forest__hotspots') }}

),

edges as (

    select * from {{ ref('int_commune_edges') }}

),

communes as (

    select * from {{ ref('communes') }}

),

confidences as (

    select * from {{ ref('hotspot_confidences') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'forest.hotspots'

),

places as (

    select distinct latitude, longitude from hotspots

),

-- A line from the spot to the east crosses a ring that holds it an odd number of times.
crossed as (

    select places.latitude, places.longitude, edges.commune_code, edges.part_number, edges.area_km2
    from places
    inner join edges
        on (edges.from_latitude > places.latitude) <> (edges.to_latitude > places.latitude)
        and places.longitude < edges.from_longitude
        + 1e0 * (edges.to_longitude - edges.from_longitude) * (places.latitude - edges.from_latitude)
        / nullif(edges.to_latitude - edges.from_latitude, 0)
    group by places.latitude, places.longitude, edges.commune_code, edges.part_number, edges.area_km2
    having mod(count(*), 2) = 1

),

located as (

    select latitude, longitude, {{ value_at_least('commune_code', 'area_km2') }} as commune_code
    from crossed
    group by latitude, longitude

),

final as (

    select
        hotspots.latitude,
        hotspots.longitude,
        hotspots.acquired_at,
        hotspots.satellite,
        hotspots.product_version,
        hotspots.instrument,
        {{ local_date('hotspots.acquired_at') }} as local_date,
        located.commune_code,
        communes.commune_name,
        confidences.confidence_class,
        confidences.label_vi as confidence_label,
        hotspots.confidence_code,
        hotspots.confidence_percent,
        located.commune_code is not null and confidences.is_alerting as is_alerting,
        hotspots.brightness_k,
        hotspots.background_k,
        hotspots.power_mw,
        hotspots.daynight_code,
        {{ minutes_after('max(hotspots.acquired_at) over ()', 'feeds.freshness_limit_minutes') }} as current_until_at,
        hotspots._source_version as source_version
    from hotspots
    cross join feeds
    left join confidences
        on hotspots.confidence_code in (confidences.confidence_class, confidences.letter)
        or (
            hotspots.confidence_code is null
            and hotspots.confidence_percent between confidences.lowest_percent and confidences.highest_percent
        )
    left join located on hotspots.latitude = located.latitude and hotspots.longitude = located.longitude
    left join communes on located.commune_code = communes.commune_code
    where hotspots.place_among_versions = 1

)

select * from final
