{{ config(materialized='table') }}

with versions as (

    select * from {{ ref('stg_health__disease_cases') }}

),

ordered as (

    select
        *,
        row_number() over (partition by record_code order by version_at desc) as newness,
        count(*) over (partition by record_code) as version_count,
        min(reported_at) over (partition by record_code) as first_reported_at
    from versions

),

final as (

    select *
    from ordered
    where newness = 1

)

select * from final
