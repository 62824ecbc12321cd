{{ config(materialized='table') }}

{%- set slots_per_day = 24 * var('slots_per_hour') %}

-- Today begins with its first slot that has ended. A day before the history, which a clock that was not set told, owes nothing.
with station_days as (

    select * from {{ ref('int_station_days') }}

),

last_day as (

    select
        {{ greatest_known(
            local_date(clock() ~ " - interval '" ~ (60 // var('slots_per_hour')) ~ "' minute"), 'max(local_date)'
        ) }} as local_date
    from station_days

),

spine as (

    {{ days_of('select local_date from station_days', '(select local_date from last_day)') }}

),

final as (

    select
        local_date,
        local_date = (select local_date from last_day) as is_latest,
        case
            when local_date < {{ first_day_of_history() }} then 0
            else cast({{ greatest_known(0, least_known(
                slots_per_day, 'floor(' ~ hours_between(start_of_local_day('local_date'), clock()) ~ ' * ' ~ var('slots_per_hour') ~ ')'
            )) }} as integer)
        end as expected_slots
    from spine

)

select * from final
