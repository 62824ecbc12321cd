{{ config(materialized='table') }}

with days as (

    select * from {{ ref('working_days') }}

),

final as (

    select
        local_date,
        is_working_day,
        count(*) filter (where is_working_day) over (order by local_date) as working_days_so_far
    from days

)

select * from final
