-- The cases of `disease_reporting`, parted by how sure their diagnosis is and once more by age; the two are never crossed.
with weeks as (

    select * from {{ ref('disease_reporting') }}

),

case_groups as (

    select *, lead(from_years) over (partition by group_kind, from_years is null order by from_years) as below_years
    from {{ ref('case_groups') }}

),

cases as (

    select
        disease_code,
        cast(date_trunc('week', {{ local_date('first_reported_at') }}) as date) as week_start_date,
        classification_code,
        age_years
    from {{ ref('int_disease_records_current') }}
    where record_kind = 'case' and classification_code <> 'loai_tru'

),

grouped as (

    select disease_code, week_start_date, 'classification' as group_kind, classification_code as group_code
    from cases
    union all
    select cases.disease_code, cases.week_start_date, 'age' as group_kind, coalesce(ages.group_code, 'unknown') as group_code
    from cases
    left join case_groups as ages
        on ages.group_kind = 'age'
        and cases.age_years >= ages.from_years
        and (cases.age_years < ages.below_years or ages.below_years is null)

),

counted as (

    select disease_code, week_start_date, group_kind, group_code, count(*) as cases
    from grouped
    group by disease_code, week_start_date, group_kind, group_code

),

judged as (

    select
        weeks.disease_code,
        weeks.disease_name,
        weeks.iso_year,
        weeks.iso_week,
        weeks.week_start_date,
        weeks.is_small_cell as is_small_week,
        weeks.reported_cases,
        case_groups.group_kind,
        case_groups.group_code,
        case_groups.label_vi as group_name,
        coalesce(counted.cases, 0) as cases
    from weeks
    cross join case_groups
    left join counted
        on weeks.disease_code = counted.disease_code
        and weeks.week_start_date = counted.week_start_date
        and case_groups.group_kind = counted.group_kind
        and case_groups.group_code = counted.group_code

),

hidden as (

    select *, is_small_week or {{ is_small_cell('cases', 'disease_code, week_start_date, group_kind', 'group_code') }} as is_small_cell
    from judged

),

final as (

    select
        disease_code,
        disease_name,
        iso_year,
        iso_week,
        week_start_date,
        group_kind,
        group_code,
        group_name,
        is_small_cell,
        cast(case when not is_small_cell then cases end as bigint) as cases,
        reported_cases,
        cast(case when not is_small_cell then 100e0 * cases / nullif(reported_cases, 0) end as double) as share_percent
    from hidden

)

select * from final
