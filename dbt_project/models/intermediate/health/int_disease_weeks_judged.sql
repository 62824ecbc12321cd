{{ config(materialized='table') }}

-- A week of which too few communes are known is compared with none: the sum of some is less than that of all.
with place_weeks as (

    select *, 100e0 * reported_places / places >= {{ var('least_reported_percent') }} as is_compared
    from {{ ref('int_disease_weeks') }}

),

this_week as (

    select cast(date_trunc('week', {{ local_date(clock()) }}) as date) as week_start_date

),

commune_totals as (

    select disease_code, week_start_date, {{ total_to_judge('cases') }} as cases_to_judge
    from place_weeks
    where place_level = 'commune'
    group by disease_code, week_start_date

),

weighed as (

    select
        place_weeks.*,
        case when place_weeks.place_level = 'province' then commune_totals.cases_to_judge else place_weeks.cases end as cases_to_judge
    from place_weeks
    left join commune_totals
        on place_weeks.disease_code = commune_totals.disease_code
        and place_weeks.week_start_date = commune_totals.week_start_date

),

judged as (

    select
        *,
        {{ is_small_cell('cases_to_judge', 'disease_code, place_level, week_start_date', 'place_code') }} as is_hidden,
        lag(case when is_compared then cases end) over by_place as previous_cases
    from weighed
    window by_place as (partition by disease_code, place_code order by week_start_date)

),

weeks as (

    select distinct week_start_date from judged

),

years_back as (

    select number as year_back from {{ numbers_from_to(1, var('epidemic_years')) }}

),

-- The same ISO week so many years before; where that year has no week 53, its week 52.
same_weeks as (

    select
        weeks.week_start_date,
        cast(
            date_trunc('week', {{ date_of(iso_year('weeks.week_start_date') ~ ' - years_back.year_back', 1, 4) }})
            as date
        ) as first_monday,
        cast(extract(week from weeks.week_start_date) as integer) as iso_week,
        cast(extract(week from {{ date_of(iso_year('weeks.week_start_date') ~ ' - years_back.year_back', 12, 28) }}) as integer) as last_iso_week
    from weeks
    cross join years_back

),

compared_weeks as (

    select
        same_weeks.week_start_date,
        {{ days_after(
            'same_weeks.first_monday',
            '7 * (' ~ least_known('same_weeks.iso_week', 'same_weeks.last_iso_week') ~ ' - 1 + neighbours.step)'
        ) }} as earlier_week_start_date
    from same_weeks
    cross join (values (-1), (0), (1)) as neighbours (step)

),

histories as (

    select
        judged.disease_code,
        judged.place_code,
        compared_weeks.week_start_date,
        count(*) as history_weeks,
        {{ six_decimals('avg(judged.cases) + ' ~ var('epidemic_deviations') ~ ' * stddev_samp(judged.cases)') }} as threshold_cases,
        bool_or(judged.is_hidden) as has_hidden_week
    from compared_weeks
    inner join judged on compared_weeks.earlier_week_start_date = judged.week_start_date
    where judged.is_compared
    group by judged.disease_code, judged.place_code, compared_weeks.week_start_date

),

final as (

    select
        judged.*,
        judged.week_start_date < this_week.week_start_date as is_complete,
        judged.week_start_date = {{ days_after('this_week.week_start_date', -7) }} as is_latest,
        coalesce(histories.history_weeks, 0) as history_weeks,
        coalesce(histories.has_hidden_week, false) as has_hidden_history,
        case when histories.history_weeks = 3 * {{ var('epidemic_years') }} then histories.threshold_cases end as epidemic_threshold
    from judged
    cross join this_week
    left join histories
        on judged.disease_code = histories.disease_code
        and judged.place_code = histories.place_code
        and judged.week_start_date = histories.week_start_date

)

select * from final
