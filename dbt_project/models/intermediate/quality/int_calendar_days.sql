{{ config(materialized='ephemeral') }}

-- A day that no list knows is a working day where it is no Saturday or Sunday.
with working_days as (

    select * from {{ ref('working_days') }}

),

terms as (

    select * from {{ ref('school_terms') }}

),

days as (

    {{ days_from_to("cast('2000-01-01' as date)", local_date(clock() ~ " + interval '31' day")) }}

),

judged as (

    select
        days.local_date,
        coalesce(working_days.is_working_day, {{ iso_weekday('days.local_date') }} < 6) as is_working_day,
        terms.school_year is not null as is_term
    from days
    left join working_days on days.local_date = working_days.local_date
    left join terms
        on days.local_date between terms.first_date and terms.last_date

),

final as (

    select 'every_day' as calendar, local_date from judged
    union all
    select 'working_days' as calendar, local_date from judged where is_working_day
    union all
    select 'school_days' as calendar, local_date from judged where is_working_day and is_term

)

select * from final
