-- Of the whole province only: diagnoses of one facility, HIV and tuberculosis among them, would point at persons.
with claims as (

    select * from {{ ref('int_health_claims_current') }}

),

icd10 as (

    select * from {{ ref('icd10') }}

),

counted as (

    select
        cast(date_trunc('month', discharged_date) as date) as month_date,
        icd10_code,
        count(*) as visits,
        count(distinct patient_id) as patients
    from claims
    where discharged_date is not null and icd10_code is not null
    group by date_trunc('month', discharged_date), icd10_code

),

hidden as (

    select *, {{ is_small_cell('patients', 'month_date', 'icd10_code') }} as is_hidden
    from counted

),

final as (

    select
        hidden.month_date,
        hidden.icd10_code,
        coalesce(icd10.label_vi, hidden.icd10_code) as icd10_label,
        icd10.chapter_code,
        hidden.is_hidden,
        case when not hidden.is_hidden then hidden.visits end as visits,
        case when not hidden.is_hidden then hidden.patients end as patients,
        case
            when not hidden.is_hidden
                then row_number() over (
                    partition by hidden.month_date, hidden.is_hidden order by hidden.visits desc, hidden.icd10_code
                )
        end as place,
        hidden.month_date = max(hidden.month_date) over () as is_latest
    from hidden
    left join icd10 on hidden.icd10_code = icd10.icd10_code

)

select * from final
