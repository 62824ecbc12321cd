-- Totals of several weeks and clusters are made of weeks that are shown, so that they tell nothing of those that are hidden.
with weeks as (

    select
        *,
        place_level = 'province' and not is_hidden
        and not (deaths between 1 and {{ var('least_cell') }} - 1)
        and not (deaths > 0 and cases - deaths between 1 and {{ var('least_cell') }} - 1) as is_deaths_shown,
        lag(is_hidden) over (partition by disease_code, place_code order by week_start_date) as is_previous_hidden
    from {{ ref('int_disease_weeks_judged') }}

),

diseases as (

    select * from {{ ref('notifiable_diseases') }}

),

shown as (

    select
        weeks.*,
        diseases.label_vi,
        diseases.group_code,
        diseases.cluster_least_cases,
        case when not is_hidden then cases end as shown_cases,
        case when is_complete and is_compared and not is_hidden then cases end as compared_cases,
        case when is_deaths_shown then deaths end as shown_deaths,
        case when is_complete and is_compared and not is_hidden and not is_previous_hidden then cases - previous_cases end as cases_change,
        case when not is_hidden and not has_hidden_history then epidemic_threshold end as shown_threshold
    from weeks
    inner join diseases on weeks.disease_code = diseases.disease_code

),

added as (

    select
        *,
        case when count(compared_cases) over four_weeks = 4 then sum(compared_cases) over four_weeks end as cases_4_weeks,
        case when count(compared_cases) over four_weeks_before = 4 then sum(compared_cases) over four_weeks_before end as cases_4_weeks_before,
        -- The weeks that are shown can prove a cluster, only all of them that there is none.
        case
            when place_level <> 'commune' then null
            when sum(shown_cases) over cluster_weeks >= cluster_least_cases then true
            when is_complete and count(shown_cases) over cluster_weeks = {{ var('cluster_weeks') }} and cluster_least_cases is not null then false
        end as is_cluster
    from shown
    window
        four_weeks as (partition by disease_code, place_code order by week_start_date rows between 3 preceding and current row),
        four_weeks_before as (partition by disease_code, place_code order by week_start_date rows between 7 preceding and 4 preceding),
        cluster_weeks as (
            partition by disease_code, place_code order by week_start_date rows between {{ var('cluster_weeks') - 1 }} preceding and current row
        )

),

-- A cluster lasts from week to week: its weeks have the same last week without one before them.
clusters as (

    select
        *,
        coalesce(
            max(case when not coalesce(is_cluster, false) then week_start_date end) over (
                partition by disease_code, place_code order by week_start_date
            ),
            cast('0001-01-01' as date)
        ) as week_before_cluster
    from added

),

lasting as (

    select
        *,
        case when is_cluster then min(case when is_cluster then week_start_date end) over of_cluster end as cluster_start_date,
        case
            when is_cluster and bool_and(case when is_cluster then shown_cases is not null end) over of_cluster
                then sum(case when is_cluster then shown_cases end) over of_cluster
        end as cluster_cases
    from clusters
    window of_cluster as (partition by disease_code, place_code, week_before_cluster order by week_start_date)

),

final as (

    select
        disease_code,
        label_vi as disease_name,
        group_code,
        place_level,
        place_code,
        place_name,
        cast(latitude as double) as latitude,
        cast(longitude as double) as longitude,
        cast({{ iso_year('week_start_date') }} as integer) as iso_year,
        cast(extract(week from week_start_date) as integer) as iso_week,
        week_start_date,
        {{ days_after('week_start_date', 6) }} as week_end_date,
        source_code,
        is_complete,
        is_latest,
        is_hidden as is_small_cell,
        cast(shown_cases as bigint) as cases,
        cast(shown_deaths as bigint) as deaths,
        cast(population as bigint) as population,
        places,
        reported_places,
        cast(case when reported_places > 0 then reported_population end as bigint) as reported_population,
        cast(100000e0 * shown_cases / reported_population as double) as cases_per_100k,
        cast(cases_change as bigint) as cases_change,
        cast(100e0 * cases_change / nullif(previous_cases, 0) as double) as cases_change_percent,
        cast(shown_threshold as double) as epidemic_threshold,
        cast(history_weeks as bigint) as history_weeks,
        -- Some communes or days can show that the threshold was passed, only (nearly) all of them that it was not.
        case
            when shown_cases > shown_threshold or (is_complete and is_compared)
                then shown_cases > shown_threshold
        end as is_above_threshold,
        shown_deaths > shown_cases as is_more_deaths_than_cases,
        cast(cases_4_weeks as bigint) as cases_4_weeks,
        cast(cases_4_weeks_before as bigint) as cases_4_weeks_before,
        cast(100e0 * (cases_4_weeks - cases_4_weeks_before) / nullif(cases_4_weeks_before, 0) as double)
            as cases_4_weeks_change_percent,
        is_cluster,
        cluster_start_date,
        cast(cluster_cases as bigint) as cluster_cases
    from lasting

)

select * from final
