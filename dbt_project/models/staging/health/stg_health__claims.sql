-- XML6 (HIV) and XML15 (tuberculosis) end here, and with them that a claim has one; names, numbers of persons and addresses stay in bronze.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'health__claims') }}

),

renamed as (

    select
        facility_code,
        claim_id,
        file_kind,
        sending_id,
        created_at,
        coalesce(citizen_number, insurance_card_number, patient_code, claim_id) as patient_id,
        commune_code,
        sex_code,
        visit_type_code,
        main_diagnosis_code,
        admitted_at,
        inpatient_from_at,
        discharged_at,
        settled_at,
        treatment_days,
        outcome_code,
        discharge_code,
        line_count,
        lines_amount_vnd,
        medicine_vnd,
        total_vnd,
        insured_total_vnd,
        copayment_vnd,
        insurer_paid_vnd,
        settlement_year,
        settlement_month,
        _received_at as received_at,
        _delivery_id as delivery_id,
        _position as position,
        _record_count,
        _source_version
    from source
    where file_kind not in ('XML6', 'XML15')

)

select * from renamed
