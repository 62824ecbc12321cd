{{ config(materialized='table') }}

-- The sums of the lines come from the very files of the sending in force: a file of an earlier sending counts no longer.
with versions as (

    select * from {{ ref('int_health_claim_versions') }}

),

line_files as (

    select
        facility_code,
        claim_id,
        sending_id,
        max(lines_amount_vnd) filter (where file_kind = 'XML2') as medicine_lines_vnd,
        max(lines_amount_vnd) filter (where file_kind = 'XML3') as service_lines_vnd
    from {{ ref('stg_health__claims') }}
    where file_kind in ('XML2', 'XML3')
    group by facility_code, claim_id, sending_id

),

newest as (

    select claim_key, max(version_number) as version_number, max(_source_version) as _source_version
    from versions
    group by claim_key

),

final as (

    select
        versions.claim_key,
        versions.version_number,
        versions.facility_code,
        versions.claim_id,
        versions.sending_id,
        versions.patient_id,
        versions.commune_code,
        versions.visit_type_code,
        versions.visit_type_code in ({{ "'" ~ var('inpatient_visit_types') | join("', '") ~ "'" }}) as is_inpatient,
        versions.main_diagnosis_code,
        substr(versions.main_diagnosis_code, 1, 3) as icd10_code,
        versions.admitted_at,
        {{ local_date('versions.admitted_at') }} as admitted_date,
        versions.discharged_at,
        {{ local_date('versions.discharged_at') }} as discharged_date,
        versions.treatment_days,
        versions.outcome_code,
        versions.discharge_code,
        versions.medicine_vnd,
        versions.total_vnd,
        versions.insured_total_vnd,
        versions.copayment_vnd,
        versions.insurer_paid_vnd,
        line_files.medicine_lines_vnd,
        line_files.service_lines_vnd,
        cast(coalesce(
            {{ date_of('versions.settlement_year', 'versions.settlement_month', 1) }},
            date_trunc('month', {{ local_date('coalesce(versions.settled_at, versions.discharged_at)') }})
        ) as date) as settlement_month,
        versions.created_at,
        newest._source_version
    from versions
    inner join newest on versions.claim_key = newest.claim_key and versions.version_number = newest.version_number
    left join line_files
        on versions.facility_code = line_files.facility_code
        and versions.claim_id = line_files.claim_id
        and versions.sending_id = line_files.sending_id

)

select * from final
