{{ config(materialized='view', database='memory', schema='staging') }}

-- Later made, or later arrived where made on the same day, is newer; within one delivery the later position.
with summaries as (

    select * from {{ ref('stg_health__claims') }}
    where file_kind = 'XML1'

),

final as (

    select
        *,
        facility_code || '/' || claim_id as claim_key,
        row_number() over (
            partition by facility_code, claim_id
            order by created_at, received_at, _source_version, delivery_id, position
        ) as version_number
    from summaries

)

select * from final
