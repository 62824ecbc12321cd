{{ config(materialized='view', database='memory', schema='staging') }}

-- An area is the communes that its codes name; one of before July 2025 is those of today that it belongs to. Where no code is known it is the
-- communes whose point lies in one of its polygons, and where there is none either, the place as the sender described it.
with areas as (

    select * from {{ ref('int_warning_areas') }}

),

communes as (

    select * from {{ ref('communes') }}

),

replacements as (

    select * from {{ ref('commune_replacements') }}

),

units as (

    select areas.sender, areas.identifier, areas.info_number, areas.area_number, parts.part as unit_code
    from areas
    cross join {{ parts_of('areas.unit_codes', ' ') }}

),

named as (

    select units.sender, units.identifier, units.info_number, units.area_number, communes.commune_code
    from units
    inner join communes on units.unit_code = communes.commune_code
    union
    select units.sender, units.identifier, units.info_number, units.area_number, communes.commune_code
    from units
    inner join replacements on units.unit_code = replacements.old_commune_code
    inner join communes on replacements.new_commune_code = communes.commune_code
    where units.unit_code not in (select known.commune_code from communes as known)

),

polygons as (

    select areas.sender, areas.identifier, areas.info_number, areas.area_number, parts.part as ring
    from areas
    cross join {{ parts_of('areas.polygons', ';') }}

),

counted as (

    select
        polygons.sender,
        polygons.identifier,
        polygons.info_number,
        polygons.area_number,
        polygons.ring,
        count(*) as position_count
    from polygons
    cross join {{ parts_of('polygons.ring', ' ') }}
    group by polygons.sender, polygons.identifier, polygons.info_number, polygons.area_number, polygons.ring

),

edges as (

    select
        counted.sender,
        counted.identifier,
        counted.info_number,
        counted.area_number,
        counted.ring,
        split_part(counted.ring, ' ', cast(numbers.number as integer)) as from_position,
        split_part(counted.ring, ' ', cast(numbers.number + 1 as integer)) as to_position
    from counted
    cross join {{ numbers_from_to('1', 'counted.position_count - 1') }}

),

measured as (

    select
        sender,
        identifier,
        info_number,
        area_number,
        ring,
        try_cast(split_part(from_position, ',', 1) as double) as from_latitude,
        try_cast(split_part(from_position, ',', 2) as double) as from_longitude,
        try_cast(split_part(to_position, ',', 1) as double) as to_latitude,
        try_cast(split_part(to_position, ',', 2) as double) as to_longitude
    from edges

),

-- A line from the commune's point to the east crosses a ring that holds it an odd number of times.
held as (

    select measured.sender, measured.identifier, measured.info_number, measured.area_number, measured.ring, communes.commune_code
    from measured
    inner join communes
        on (measured.from_latitude > communes.latitude) <> (measured.to_latitude > communes.latitude)
        and communes.longitude < measured.from_longitude
        + 1e0 * (measured.to_longitude - measured.from_longitude) * (communes.latitude - measured.from_latitude)
        / nullif(measured.to_latitude - measured.from_latitude, 0)
    group by
        measured.sender,
        measured.identifier,
        measured.info_number,
        measured.area_number,
        measured.ring,
        communes.commune_code
    having mod(count(*), 2) = 1

),

places as (

    select distinct sender, identifier, info_number, area_number, commune_code, 'ma_dvhc' as placed_by_code
    from named
    union all
    select distinct held.sender, held.identifier, held.info_number, held.area_number, held.commune_code, 'polygon' as placed_by_code
    from held
    left join named
        on held.sender = named.sender
        and held.identifier = named.identifier
        and held.info_number = named.info_number
        and held.area_number = named.area_number
    where named.commune_code is null

),

final as (

    select
        areas.sender,
        areas.identifier,
        areas.sent_at,
        areas.message_type_code,
        areas._source_version,
        areas.info_number,
        areas.area_number,
        areas.event,
        areas.category_codes,
        areas.urgency_code,
        areas.severity_code,
        areas.certainty_code,
        areas.risk_level,
        areas.effective_at,
        areas.onset_at,
        areas.expires_at,
        areas.is_expiry_assumed,
        places.commune_code,
        coalesce(communes.commune_name, areas.area_description, 'Không nêu vùng') as area_name,
        coalesce(places.placed_by_code, 'text') as placed_by_code
    from areas
    left join places
        on areas.sender = places.sender
        and areas.identifier = places.identifier
        and areas.info_number = places.info_number
        and areas.area_number = places.area_number
    left join communes on places.commune_code = communes.commune_code

)

select * from final
