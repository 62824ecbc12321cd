-- Pupils are compared only if every school told both years; days whose pupils are hidden are left out of the attendance.
with levels as (

    select
        100e0 * sum(reported_schools) / nullif(sum(registered_schools), 0) as reported_percent,
        cast(sum(pupils) as double) as pupils,
        cast(case when sum(compared_pupils) = sum(pupils) then sum(compared_pupils_year_before) end as double) as pupils_year_before,
        max(newest_export_at) as newest_export_at
    from {{ ref('level_years') }}
    where is_latest

),

days as (

    select
        attendance_date,
        100e0 * sum(present_pupils) / nullif(sum(case when not is_small_cell then enrolled_pupils end), 0) as attendance_percent,
        max(newest_export_at) as newest_export_at
    from {{ ref('attendance_level_days') }}
    where is_latest
    group by attendance_date

),

numbered as (

    select
        *,
        row_number() over (order by attendance_date desc) as days_back
    from days
    where attendance_percent is not null

),

figures as (

    select
        'schools_reported' as headline_id,
        reported_percent as value,
        cast(null as double) as value_before,
        newest_export_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from levels
    union all
    select
        'pupils' as headline_id,
        pupils as value,
        pupils_year_before as value_before,
        newest_export_at as newest_event_at,
        null as current_until_at
    from levels
    union all
    select
        'attendance' as headline_id,
        today.attendance_percent as value,
        before.attendance_percent as value_before,
        today.newest_export_at as newest_event_at,
        null as current_until_at
    from numbered as today
    left join numbered as before on before.days_back = 2
    where today.days_back = 1

),

final as (

    {{ headlines('education') }}

)

select * from final
