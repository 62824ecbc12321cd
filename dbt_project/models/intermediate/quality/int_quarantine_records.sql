{{ config(materialized='ephemeral') }}

-- A record is open until a replay has taken it through the load again. One that the replay refused stands here a second time, below the
-- repair's delivery, and keeps its first day; the records of a delivery that could not be read have that delivery's.
with records as (

    select * from {{ ref('stg_quality__quarantine_records') }}
    union all
    select * from {{ ref('stg_quality__quarantined_again') }}

),

repairs as (

    select * from {{ ref('stg_quality__repairs') }}

),

final as (

    select
        records.feed,
        records.delivery_id,
        records.position,
        records.reason,
        records.error_group,
        records.record_count,
        coalesce(earlier.quarantined_since, records.quarantined_at) as quarantined_since,
        repairs.outcome,
        repairs.replayed_at as closed_at,
        repairs.outcome is null as is_open
    from records
    left join repairs
        on records.feed = repairs.feed
        and records.delivery_id = repairs.delivery_id
        and records.position = repairs.position
    left join repairs as earlier
        on records.feed = earlier.feed
        and records.delivery_id = earlier.repair_id
        and earlier.position in (0, records.position)

)

select * from final
