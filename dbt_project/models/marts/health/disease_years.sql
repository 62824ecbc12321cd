-- A year goes as far as the newest week that is over, and so does each year before it. Its total is hidden where, less the weeks that
-- `disease_weeks` shows, it would tell a hidden week: one of them alone, or few persons.
with weeks as (

    select
        weeks.disease_code,
        weeks.cases,
        weeks.deaths,
        weeks.is_compared,
        shown.disease_name,
        shown.group_code,
        shown.iso_year,
        shown.iso_week,
        shown.is_latest,
        shown.cases is null as is_hidden,
        shown.deaths is null as is_deaths_hidden
    from {{ ref('int_disease_weeks_judged') }} as weeks
    inner join {{ ref('disease_weeks') }} as shown
        on weeks.disease_code = shown.disease_code
        and weeks.place_code = shown.place_code
        and weeks.week_start_date = shown.week_start_date
    where weeks.place_level = 'province' and weeks.is_complete

),

newest as (

    select max(iso_year) as iso_year, max(iso_week) as iso_week
    from weeks
    where is_latest

),

counted as (

    select
        weeks.disease_code,
        weeks.disease_name,
        weeks.group_code,
        weeks.iso_year,
        weeks.iso_year = newest.iso_year as is_latest,
        {{ least_known('newest.iso_week', 'cast(extract(week from ' ~ date_of('weeks.iso_year', 12, 28) ~ ') as integer)') }} as weeks,
        count(*) filter (where weeks.is_compared) as known_weeks,
        coalesce(sum(weeks.cases), 0) as cases,
        coalesce(sum(weeks.deaths), 0) as deaths,
        count(*) filter (where weeks.is_hidden and weeks.cases > 0) as hidden_weeks,
        coalesce(sum(weeks.cases) filter (where weeks.is_hidden), 0) as hidden_cases,
        count(*) filter (where weeks.is_deaths_hidden and weeks.deaths > 0) as hidden_death_weeks,
        coalesce(sum(weeks.deaths) filter (where weeks.is_deaths_hidden), 0) as hidden_deaths,
        coalesce(sum(weeks.cases - weeks.deaths) filter (where weeks.is_deaths_hidden), 0) as hidden_survivors
    from weeks
    cross join newest
    where weeks.iso_week <= newest.iso_week
    group by weeks.disease_code, weeks.disease_name, weeks.group_code, weeks.iso_year, newest.iso_year, newest.iso_week

),

judged as (

    select
        *,
        known_weeks = weeks as is_known,
        {{ is_rest_hidden('hidden_weeks', ['hidden_cases']) }} as is_total_shown,
        {{ is_rest_hidden('hidden_death_weeks', ['hidden_deaths']) }}
        and hidden_survivors not between 1 and {{ var('least_cell') }} - 1
        and (cases = 0 and deaths = 0 or {{ is_share_shown('deaths', 'cases') }}) as is_deaths_shown
    from counted

),

years as (

    select
        *,
        is_known and not is_total_shown as is_small_cell,
        case when is_known and is_total_shown then cases end as shown_cases,
        case when is_known and is_total_shown and is_deaths_shown then deaths end as shown_deaths
    from judged

),

final as (

    select
        years.disease_code,
        years.disease_name,
        years.group_code,
        years.iso_year,
        years.is_latest,
        cast(years.weeks as bigint) as weeks,
        cast(years.known_weeks as bigint) as known_weeks,
        years.is_small_cell,
        cast(years.shown_cases as bigint) as cases,
        cast(years.shown_deaths as bigint) as deaths,
        cast(100e0 * years.shown_deaths / nullif(years.shown_cases, 0) as double) as fatality_percent,
        cast(years_before.shown_cases as bigint) as cases_last_year,
        cast(years_before.shown_deaths as bigint) as deaths_last_year,
        cast(years.shown_cases - years_before.shown_cases as bigint) as cases_change,
        cast(100e0 * (years.shown_cases - years_before.shown_cases) / nullif(years_before.shown_cases, 0) as double) as cases_change_percent,
        case
            when years_before.shown_cases is not null then null
            when years_before.is_small_cell then 'số nhỏ, được ẩn'
            when years.weeks > extract(week from {{ date_of('years.iso_year - 1', 12, 28) }}) then 'năm trước không có tuần 53'
            else 'chưa đủ lịch sử'
        end as last_year_unknown_reason
    from years
    left join years as years_before
        on years.disease_code = years_before.disease_code
        and years.iso_year = years_before.iso_year + 1
        and years.weeks = years_before.weeks

)

select * from final
