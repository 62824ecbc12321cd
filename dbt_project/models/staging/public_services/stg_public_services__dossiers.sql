-- The text of the dossier stays in bronze, and so does what stands for the applicant: nothing here needs it.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'public_services__dossiers') }}

),

renamed as (

    select
        dossier_id,
        changed_at,
        procedure_code,
        procedure_name,
        field_code,
        field_name,
        channel_code,
        applicant_kind,
        submitted_at,
        intake_at as received_at,
        due_at,
        finished_at,
        returned_at,
        refused_at,
        status_code,
        receiving_agency_code,
        processing_agency_code,
        has_digitised_components = 1 as has_digitised_components,
        has_vneid_account = 1 as has_vneid_account,
        is_paid_online = 1 as is_paid_online,
        component_count,
        digitised_component_count,
        reused_component_count,
        fee_amount,
        result_paper_count,
        due_changes,
        step_count,
        last_step_at,
        _record_count,
        _source_version
    from source

)

select * from renamed
