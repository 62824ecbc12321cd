-- Generated from contracts/ by `ioc contracts generate`; do not edit.
{{ config(materialized='ephemeral') }}

with final as (

    select 'education.attendance' as feed, school_code as object_id from {{ ref('registered_schools') }}
    union all
    select 'environment.river_levels' as feed, gauge_id as object_id from {{ ref('gauges') }}
    union all
    select 'environment.station_readings' as feed, station_id as object_id from {{ ref('stations') }}
    union all
    select 'feedback.requests' as feed, 'feedback.requests' as object_id
    union all
    select 'forest.weather' as feed, commune_code as object_id from {{ ref('communes') }}
    union all
    select 'health.claims' as feed, facility_code as object_id from {{ ref('facilities') }}
    union all
    select 'health.disease_cases' as feed, 'health.disease_cases' as object_id
    union all
    select 'public_services.dossiers' as feed, 'public_services.dossiers' as object_id
    union all
    select 'traffic.flows' as feed, section_code as object_id from {{ ref('road_sections') }}
    union all
    select 'water.landslide_sensors' as feed, sensor_id as object_id from {{ ref('landslide_sensors') }}
    union all
    select 'water.rain' as feed, station_id as object_id from {{ ref('rain_stations') }}
    union all
    select 'water.reservoirs' as feed, channel_id as object_id from {{ ref('reservoir_channels') }}

)

select * from final
