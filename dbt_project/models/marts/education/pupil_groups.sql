-- Counts of pupils who are studying; the total of each kind within a level is published in `level_years`. Where that total is below five, even
-- the name of a group would tell something of a pupil: such a level has no groups. A cell that came empty is no answer: its group is `Chưa rõ`.
with pupils as (

    select
        placed.school_year,
        schools.level_code,
        coalesce(placed.sex, 'Chưa rõ') as sex,
        coalesce(placed.ethnic_group, 'Chưa rõ') as ethnic_group,
        coalesce(placed.disability, 'Chưa rõ') as disability,
        placed.exported_at
    from {{ ref('int_pupils_placed') }} as placed
    inner join {{ ref('registered_schools') }} as schools using (school_code)
    where placed.is_studying

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
        years.is_latest,
        hidden.level_code,
        levels.level_name,
        hidden.group_kind,
        hidden.group_name,
        hidden.is_small_cell,
        case when not hidden.is_small_cell then hidden.pupils end as pupils,
        hidden.newest_export_at
    from hidden
    inner join {{ ref('education_levels') }} as levels on hidden.level_code = levels.level_code
    inner join {{ ref('int_school_years') }} as years on hidden.school_year = years.school_year
    where hidden.all_pupils >= {{ var('least_cell') }}

)

select * from final
