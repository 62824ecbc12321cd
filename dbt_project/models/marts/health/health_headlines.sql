-- Beds of facilities whose in-patients of the day are not known are left out of the occupancy, as ceilings without spending are out of the pace.
with days as (

    select
        local_date,
        bool_or(is_latest) as is_latest,
        100e0 * sum(inpatients) / nullif(sum(case when inpatients is not null then beds end), 0) as occupancy_percent
    from {{ ref('facility_days') }}
    group by local_date

),

known_days as (

    select max(local_date) as local_date from days where occupancy_percent is not null

),

spending as (

    select
        {{ six_decimals(
            'cast(10000 * sum(spent_in_year_vnd) as double)'
            ~ ' / nullif(sum(case when spent_in_year_vnd is not null then ceiling_vnd * year_elapsed_percent end), 0)'
        ) }} as pace_percent
    from {{ ref('insurance_spend_months') }}
    where is_latest

),

weeks as (

    select
        week_start_date,
        bool_or(is_latest) as is_latest,
        case when count(is_above_threshold) > 0 then count(case when is_above_threshold then 1 end) end as above_threshold
    from {{ ref('disease_weeks') }}
    where place_level = 'province'
    group by week_start_date

),

figures as (

    select
        'bed_occupancy' as headline_id,
        today.occupancy_percent as value,
        week_before.occupancy_percent as value_before,
        {{ start_of_local_day('today.local_date') }} as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from days as today
    inner join known_days on today.local_date = known_days.local_date
    left join days as week_before on week_before.local_date = today.local_date - interval '7' day
    union all
    select
        'insurance_pace' as headline_id,
        pace_percent as value,
        null as value_before,
        null as newest_event_at,
        null as current_until_at
    from spending
    union all
    select
        'diseases_above_threshold' as headline_id,
        cast(newest.above_threshold as double) as value,
        cast(week_before.above_threshold as double) as value_before,
        {{ start_of_local_day('newest.week_start_date') }} as newest_event_at,
        null as current_until_at
    from weeks as newest
    left join weeks as week_before on week_before.week_start_date = newest.week_start_date - interval '7' day
    where newest.is_latest

),

final as (

    {{ headlines('health') }}

)

select * from final
