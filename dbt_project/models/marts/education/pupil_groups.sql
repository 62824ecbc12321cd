-- Counts of pupils who are studying; the total of each kind within a level is published in `level_years`. Where that total is below five, even
-- the name of a group would tell something of a pupil: such a level has no groups.
with pupils as (

    select
        students.school_year,
        schools.level_code,
        coalesce(students.sex, 'Không rõ') as sex,
        coalesce(students.ethnic_group, 'Không rõ') as ethnic_group,
        coalesce(students.disability, 'Không') as disability,
        students.exported_at
    from {{ ref('int_students_current') }} as students
    inner join {{ ref('student_statuses') }} as statuses using (status_name)
    inner join {{ ref('registered_schools') }} as schools using (school_code)
    where not students.is_cancelled and statuses.is_studying

),

kinds as (

    {% for kind in ('sex', 'ethnic_group', 'disability') -%}
    select school_year, level_code, '{{ kind }}' as group_kind, {{ kind }} as group_name, exported_at from pupils
    {{- ' union all' if not loop.last }}
    {% endfor %}
),

counted as (

    select
        school_year,
        level_code,
        group_kind,
        group_name,
        count(*) as pupils,
        max(exported_at) as newest_export_at
    from kinds
    group by school_year, level_code, group_kind, group_name

),

hidden as (

    select
        *,
        sum(pupils) over (partition by school_year, level_code, group_kind) as all_pupils,
        {{ is_small_cell('pupils', 'school_year, level_code, group_kind', 'group_name') }} as is_small_cell
    from counted

),

final as (

    select
        hidden.school_year,
        hidden.level_code,
        levels.level_name,
        hidden.group_kind,
        hidden.group_name,
        hidden.is_small_cell,
        case when not hidden.is_small_cell then hidden.pupils end as pupils,
        hidden.newest_export_at
    from hidden
    inner join {{ ref('education_levels') }} as levels using (level_code)
    where hidden.all_pupils >= {{ var('least_cell') }}

)

select * from final
