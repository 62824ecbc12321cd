-- One column a resolution: whoever adds a column up cannot add months to the year they are part of.
with records as (

    select records.*, diseases.label_vi as disease_name
    from {{ ref('int_disease_records_current') }} as records
    inner join {{ ref('disease_measures') }} as measures on records.measure_code = measures.measure_code
    inner join {{ ref('notifiable_diseases') }} as diseases on records.disease_code = diseases.disease_code
    where records.record_kind = 'count' and measures.kind = 'cases' and records.place_level <> 'commune'

),

final as (

    select
        disease_code,
        disease_name,
        place_level,
        place_name,
        period_kind,
        period_start_date,
        period_end_date,
        coalesce(series_code, '') as series_code,
        case when period_kind = 'day' then person_count end as cases_of_day,
        case when period_kind = 'week' then person_count end as cases_of_week,
        case when period_kind = 'month' then person_count end as cases_of_month,
        case when period_kind = 'year' then person_count end as cases_of_year
    from records

)

select * from final
