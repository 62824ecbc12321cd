{{ config(materialized='table') }}

-- A month is told by the newest version that took effect in it or before. A version takes effect when it was made; one that tells of an end of
-- the handling, with that end, as the version made then may never have come; and the first one that tells of an intake, with that intake, since
-- when the dossier was in progress.
with versions as (

    select
        dossiers.*,
        statuses.state_code,
        statuses.state_code in ('in_progress', 'supplementing', 'processed', 'returned') as is_received,
        {{ local_date('dossiers.received_at') }} as received_date,
        {{ local_date('dossiers.due_at') }} as due_date,
        {{ local_date('dossiers.finished_at') }} as finished_date
    from {{ ref('stg_public_services__dossiers') }} as dossiers
    inner join {{ ref('dossier_statuses') }} as statuses on dossiers.status_code = statuses.status_code

),

procedures as (

    select * from {{ ref('procedures') }}

),

levels as (

    select * from {{ ref('procedure_levels') }}

),

calendar as (

    select * from {{ ref('int_working_days') }}

),

ordered as (

    select
        *,
        is_received and row_number() over (partition by dossier_id, is_received order by changed_at) = 1 as is_first_received,
        max(case when state_code <> 'returned' then changed_at end) over (partition by dossier_id order by changed_at) as last_not_returned_at,
        case when state_code = 'processed' and finished_at < changed_at then finished_at else changed_at end as took_effect_at
    from versions

),

dated as (

    select
        *,
        case state_code
            when 'processed' then finished_date
            when 'returned' then {{ local_date(
                "min(case when state_code = 'returned' then changed_at end) over (partition by dossier_id, last_not_returned_at)"
            ) }}
        end as closed_date,
        case
            when {{ local_date('took_effect_at') }} > {{ local_date(clock()) }} then {{ month_of(local_date(clock())) }}
            else {{ month_of(local_date('took_effect_at')) }}
        end as told_month_date
    from ordered

),

begun as (

    select
        *,
        case
            when is_first_received and received_date < told_month_date then {{ month_of('received_date') }}
            else told_month_date
        end as first_month_date
    from dated

),

ended as (

    select
        *,
        min(first_month_date) over (
            partition by dossier_id order by changed_at rows between 1 following and unbounded following
        ) as next_told_month_date
    from begun

),

months as (

    select
        month_date,
        cast(month_date + interval '1' month as date) as next_month_date,
        {{ least_known("cast(month_date + interval '1' month as date)", local_date(clock())) }} as as_of_date
    from ({{ months_to_now('select ' ~ month_of('received_date') ~ ' as local_date from versions') }}) as known
    where month_date <= {{ local_date(clock()) }}

),

-- What was closed counts in the month in which it was closed, and in none after it.
standing as (

    select
        months.month_date,
        months.as_of_date,
        ended.*,
        case when months.month_date < ended.told_month_date then 'in_progress' else ended.state_code end as state_then,
        coalesce(calendar.counts_as_date, ended.due_date) as due_until_date,
        finished_days.working_day_number - received_days.working_day_number as working_days_taken
    from ended
    inner join months
        on months.month_date >= ended.first_month_date
        and (ended.next_told_month_date is null or months.month_date < ended.next_told_month_date)
        and (ended.closed_date is null or months.month_date <= ended.closed_date)
        and months.next_month_date > ended.received_date
    left join calendar on ended.due_date = calendar.local_date
    left join calendar as received_days on ended.received_date = received_days.local_date
    left join calendar as finished_days on ended.finished_date = finished_days.local_date
    where ended.is_received

),

final as (

    select
        standing.month_date,
        standing.dossier_id,
        standing.month_date = {{ month_of(local_date(clock())) }} as is_latest,
        standing.procedure_code,
        standing.processing_agency_code as agency_code,
        standing.state_then as state_code,
        standing.received_date < standing.month_date as is_carried_over,
        case when standing.state_then = 'processed' then standing.finished_date <= standing.due_until_date end as is_on_time,
        standing.state_then = 'in_progress' and standing.due_until_date < standing.as_of_date as is_overdue,
        case when standing.state_then = 'processed' then standing.finished_date < standing.due_until_date end as is_before_time,
        case when standing.state_then = 'processed' then cast(standing.working_days_taken as bigint) end as working_days_taken,
        standing.channel_code,
        levels.is_online as is_online_procedure,
        standing.fee_amount > 0 as has_fee,
        standing.is_paid_online,
        standing.has_digitised_components,
        standing.digitised_component_count,
        standing.reused_component_count,
        standing.result_paper_count > 0 or not procedures.has_result_paper as has_digitised_result,
        standing.changed_at
    from standing
    inner join procedures on standing.procedure_code = procedures.procedure_code
    inner join levels on procedures.level_code = levels.level_code

)

select * from final
