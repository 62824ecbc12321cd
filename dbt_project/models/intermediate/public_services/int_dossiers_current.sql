{{ config(materialized='incremental', unique_key='dossier_id', on_schema_change='fail') }}

{%- set built = built_version() %}

with versions as (

    select dossiers.*, statuses.state_code
    from {{ ref('stg_public_services__dossiers') }} as dossiers
    inner join {{ ref('dossier_statuses') }} as statuses on dossiers.status_code = statuses.status_code
    {%- if is_incremental() %}
    where dossiers.dossier_id in (
        select dossier_id from {{ ref('stg_public_services__dossiers') }} where _source_version > {{ built }}
    )
    {%- endif %}

),

ordered as (

    select
        *,
        row_number() over (partition by dossier_id order by changed_at desc) as newness,
        count(*) over (partition by dossier_id) as version_count,
        max(case when state_code <> 'returned' then changed_at end) over (partition by dossier_id) as last_not_returned_at,
        max(_source_version) over (partition by dossier_id) as newest_source_version
    from versions

),

returns as (

    select dossier_id, min(changed_at) as returned_since
    from ordered
    where state_code = 'returned' and (last_not_returned_at is null or changed_at > last_not_returned_at)
    group by dossier_id

),

final as (

    select
        ordered.dossier_id,
        ordered.changed_at,
        ordered.procedure_code,
        ordered.channel_code,
        ordered.applicant_kind,
        ordered.submitted_at,
        ordered.received_at,
        ordered.due_at,
        ordered.finished_at,
        ordered.returned_at,
        ordered.refused_at,
        case ordered.state_code when 'processed' then ordered.finished_at else returns.returned_since end as closed_at,
        ordered.status_code,
        ordered.state_code,
        ordered.receiving_agency_code,
        ordered.processing_agency_code,
        ordered.has_digitised_components,
        ordered.has_vneid_account,
        ordered.is_paid_online,
        ordered.component_count,
        ordered.digitised_component_count,
        ordered.reused_component_count,
        ordered.fee_amount,
        ordered.result_paper_count,
        ordered.due_changes,
        ordered.step_count,
        ordered.last_step_at,
        ordered.version_count,
        ordered.newest_source_version as _source_version
    from ordered
    left join returns on ordered.dossier_id = returns.dossier_id
    where ordered.newness = 1

)

select * from final
