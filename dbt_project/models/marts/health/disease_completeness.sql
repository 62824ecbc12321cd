-- A weekly count is due some days after its week, since the first week that any commune has counted: who was silent from the start is
-- incomplete. The form names all diseases, so that a count of any of them is the commune's count of the week.
with communes as (

    select * from {{ ref('communes') }}

),

sent_counts as (

    select distinct commune_code, week_start_date
    from {{ ref('int_disease_weeks_counted') }}
    where has_count and is_in_history

),

due_weeks as (

    select local_date as week_start_date, cast({{ iso_year('local_date') }} as integer) as iso_year
    from ({{ days_from_to('(select min(week_start_date) from sent_counts)', local_date(clock())) }}) as days
    where {{ iso_weekday('local_date') }} = 1 and {{ days_after('local_date', 6 + var('weekly_count_days')) }} < {{ local_date(clock()) }}

),

commune_years as (

    select
        'commune' as place_level,
        communes.commune_code as place_code,
        communes.commune_name as place_name,
        due_weeks.iso_year,
        count(*) as due_counts,
        count(sent_counts.commune_code) as sent_counts,
        max(sent_counts.week_start_date) as last_week_start_date
    from communes
    cross join due_weeks
    left join sent_counts
        on communes.commune_code = sent_counts.commune_code
        and due_weeks.week_start_date = sent_counts.week_start_date
    group by communes.commune_code, communes.commune_name, due_weeks.iso_year

),

place_years as (

    select * from commune_years
    union all
    select
        'province' as place_level,
        'province' as place_code,
        'Toàn thành phố' as place_name,
        iso_year,
        sum(due_counts) as due_counts,
        sum(sent_counts) as sent_counts,
        max(last_week_start_date) as last_week_start_date
    from commune_years
    group by iso_year

),

rated as (

    select *, 100e0 * sent_counts / due_counts as completeness_percent
    from place_years

),

final as (

    select
        place_level,
        place_code,
        place_name,
        iso_year,
        iso_year = max(iso_year) over () as is_latest,
        cast(due_counts as bigint) as due_counts,
        cast(sent_counts as bigint) as sent_counts,
        cast(completeness_percent as double) as completeness_percent,
        case
            when completeness_percent >= {{ var('weekly_counts_green_from') }} then 'green'
            when completeness_percent >= {{ var('weekly_counts_yellow_from') }} then 'yellow'
            else 'red'
        end as completeness_level,
        last_week_start_date
    from rated

)

select * from final
