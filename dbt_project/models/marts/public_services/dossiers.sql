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

late as (

    select
        judged.*,
        case
            when judged_days.working_day_number > judged.due_day_number
                then cast(judged_days.working_day_number - judged.due_day_number as bigint)
            when judged_days.working_day_number <= judged.due_day_number then 0
        end as working_days_late
    from judged
    left join calendar as judged_days on judged.judged_date = judged_days.local_date

),

overdue_ages as (

    select label_vi, from_days, lead(from_days) over (order by from_days) as below_days
    from {{ ref('overdue_ages') }}

),

final as (

    select
        late.dossier_id,
        late.procedure_code,
        procedures.procedure_name,
        procedures.field_name,
        procedures.level_code,
        levels.label_vi as level_label,
        levels.is_online as is_online_procedure,
        late.channel_code,
        case late.channel_code
            when '1' then 'Trực tiếp' when '2' then 'Trực tuyến' when '3' then 'Bưu chính công ích'
        end as channel_label,
        late.applicant_kind,
        late.processing_agency_code as agency_code,
        agencies.agency_name,
        agencies.agency_group,
        late.receiving_agency_code,
        receiving_agencies.agency_name as receiving_agency_name,
        late.status_code,
        statuses.label_vi as status_label,
        late.state_code,
        statuses.state_label,
        late.submitted_at,
        late.received_at,
        late.received_date,
        late.due_at,
        late.due_date,
        late.due_until_date,
        due_dates.first_due_at,
        cast(coalesce(due_dates.supplement_count, 0) as bigint) as supplement_count,
        late.finished_at,
        late.finished_date,
        late.closed_at,
        late.closed_date,
        late.returned_at,
        late.refused_at,
        late.changed_at as last_changed_at,
        late.is_on_time,
        case
            when not late.is_on_time then 'after'
            when late.finished_date < late.due_until_date then 'before'
            when late.is_on_time then 'on_the_day'
        end as timing_code,
        late.is_overdue,
        overdue_ages.label_vi as overdue_age_label,
        late.working_days_late,
        late.fee_amount,
        late.fee_amount > 0 as has_fee,
        late.is_paid_online,
        late.has_vneid_account,
        late.component_count,
        late.digitised_component_count,
        late.reused_component_count,
        late.has_digitised_components,
        late.result_paper_count,
        late.result_paper_count > 0 or not procedures.has_result_paper as has_digitised_result,
        late.step_count,
        late.version_count,
        late._source_version as source_version
    from late
    inner join procedures on late.procedure_code = procedures.procedure_code
    inner join levels on procedures.level_code = levels.level_code
    inner join statuses on late.status_code = statuses.status_code
    inner join agencies on late.processing_agency_code = agencies.agency_code
    left join agencies as receiving_agencies on late.receiving_agency_code = receiving_agencies.agency_code
    left join due_dates on late.dossier_id = due_dates.dossier_id
    left join overdue_ages
        on late.is_overdue
        and late.working_days_late >= overdue_ages.from_days
        and (late.working_days_late < overdue_ages.below_days or overdue_ages.below_days is null)

)

select * from final
