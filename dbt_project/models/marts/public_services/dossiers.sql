-- Built anew each time: what is overdue moves with the clock, not with new rows.
with current_dossiers as (

    select
        *,
        {{ local_date('received_at') }} as received_date,
        {{ local_date('due_at') }} as due_date,
        {{ local_date('finished_at') }} as finished_date,
        {{ local_date('closed_at') }} as closed_date,
        {{ local_date(clock()) }} as clock_date
    from {{ ref('int_dossiers_current') }}

),

due_dates as (

    select
        dossier_id,
        max(due_at) filter (where due_number = 0) as first_due_at,
        max(due_number) as supplement_count
    from {{ ref('int_dossier_due_dates') }}
    group by dossier_id

),

procedures as (

    select * from {{ ref('procedures') }}

),

levels as (

    select * from {{ ref('procedure_levels') }}

),

statuses as (

    select * from {{ ref('dossier_statuses') }}

),

agencies as (

    select * from {{ ref('agencies') }}

),

calendar as (

    select * from {{ ref('int_working_days') }}

),

due as (

    select
        current_dossiers.*,
        coalesce(calendar.counts_as_date, current_dossiers.due_date) as due_until_date,
        calendar.working_day_number as due_day_number
    from current_dossiers
    left join calendar on current_dossiers.due_date = calendar.local_date

),

judged as (

    select
        *,
        case when state_code = 'processed' then finished_date <= due_until_date end as is_on_time,
        state_code = 'in_progress' and coalesce(due_until_date < clock_date, false) as is_overdue,
        case state_code when 'processed' then finished_date when 'in_progress' then clock_date end as judged_date
    from due

),

final as (

    select
        judged.dossier_id,
        judged.procedure_code,
        procedures.procedure_name,
        procedures.field_name,
        procedures.level_code,
        levels.label_vi as level_label,
        levels.is_online as is_online_procedure,
        judged.channel_code,
        case judged.channel_code
            when '1' then 'Trực tiếp' when '2' then 'Trực tuyến' when '3' then 'Bưu chính công ích'
        end as channel_label,
        judged.applicant_kind,
        judged.processing_agency_code as agency_code,
        agencies.agency_name,
        agencies.agency_group,
        judged.receiving_agency_code,
        receiving_agencies.agency_name as receiving_agency_name,
        judged.status_code,
        statuses.label_vi as status_label,
        judged.state_code,
        statuses.state_label,
        judged.submitted_at,
        judged.received_at,
        judged.received_date,
        judged.due_at,
        judged.due_date,
        judged.due_until_date,
        due_dates.first_due_at,
        cast(coalesce(due_dates.supplement_count, 0) as bigint) as supplement_count,
        judged.finished_at,
        judged.finished_date,
        judged.closed_at,
        judged.closed_date,
        judged.returned_at,
        judged.refused_at,
        judged.changed_at as last_changed_at,
        judged.is_on_time,
        judged.is_overdue,
        case
            when judged_days.working_day_number > judged.due_day_number
                then cast(judged_days.working_day_number - judged.due_day_number as bigint)
            when judged_days.working_day_number <= judged.due_day_number then 0
        end as working_days_late,
        judged.fee_amount,
        judged.fee_amount > 0 as has_fee,
        judged.is_paid_online,
        judged.has_vneid_account,
        judged.component_count,
        judged.digitised_component_count,
        judged.reused_component_count,
        judged.has_digitised_components,
        judged.result_paper_count,
        judged.result_paper_count > 0 or not procedures.has_result_paper as has_digitised_result,
        judged.step_count,
        judged.version_count,
        judged._source_version as source_version
    from judged
    inner join procedures using (procedure_code)
    inner join levels using (level_code)
    inner join statuses on judged.status_code = statuses.status_code
    inner join agencies on judged.processing_agency_code = agencies.agency_code
    left join agencies as receiving_agencies on judged.receiving_agency_code = receiving_agencies.agency_code
    left join due_dates on judged.dossier_id = due_dates.dossier_id
    left join calendar as judged_days on judged.judged_date = judged_days.local_date

)

select * from final
