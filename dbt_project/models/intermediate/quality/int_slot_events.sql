{{ config(materialized='ephemeral') }}

-- What was heard of each object that sends at a fixed rhythm. A record that was refused was heard too: its fault moves another axis.
with final as (

    select 'environment.station_readings' as feed, object_id, event_at, loaded_at from {{ ref('stg_quality__station_readings') }}
    union all
    select 'environment.river_levels' as feed, object_id, event_at, loaded_at from {{ ref('stg_quality__river_levels') }}
    union all
    select 'fisheries.vms_positions' as feed, object_id, event_at, loaded_at from {{ ref('stg_quality__vms_positions') }}
    union all
    select feed, object_id, event_at, quarantined_at as loaded_at
    from {{ ref('stg_quality__quarantine_records') }}
    where
        feed in ('environment.station_readings', 'environment.river_levels', 'fisheries.vms_positions')
        and object_id is not null
        and event_at is not null

)

select * from final
