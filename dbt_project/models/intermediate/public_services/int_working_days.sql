{{ config(materialized='table') }}

with days as (

    select * from {{ ref('working_days') }}

),

-- A term that ends on a free day ends with the next working day (Civil Code 2015, article 148(5)); what is done on a free day counts as done then.
final as (

    select
        local_date,
        is_working_day,
        min(case when is_working_day then local_date end) over (
            order by local_date rows between current row and unbounded following
        ) as counts_as_date,
        count(case when is_working_day then 1 end) over (order by local_date)
        + case when is_working_day then 0 else 1 end as working_day_number
    from days

)

select * from final
