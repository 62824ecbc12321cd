-- A dossier counts in every month in which it was open: in the month it was received, and as carried over in each later one until it is closed.
with dossiers as (

    select * from {{ ref('dossiers') }}
    where state_code in ('in_progress', 'supplementing', 'processed', 'returned')

),

versions as (

    select stages.dossier_id, stages.changed_at, stages.due_at, statuses.state_code
    from {{ ref('stg_public_services__dossiers') }} as stages
    inner join {{ ref('dossier_statuses') }} as statuses using (status_code)

),

agencies as (

    select * from {{ ref('agencies') }}

),

days as (

    {{ days_of('select ' ~ month_of('received_date') ~ ' as local_date from dossiers', month_of(local_date(clock()))) }}

),

months as (

    select
        local_date as month_date,
        cast(local_date + interval '1' month as date) as next_month_date,
        least(cast(local_date + interval '1' month as date), {{ local_date(clock()) }}) as as_of_date
    from days
    where extract(day from local_date) = 1

),

open_dossiers as (

    select months.month_date, months.next_month_date, months.as_of_date, dossiers.*
    from months
    inner join dossiers
        on dossiers.received_date < months.next_month_date
        and (dossiers.closed_date is null or dossiers.closed_date >= months.month_date)

),

-- How it stood at the end of the month, as the versions of that time tell.
states_then as (

    select
        open_dossiers.month_date,
        open_dossiers.dossier_id,
        {{ value_at_greatest('versions.state_code', 'versions.changed_at') }} as state_code,
        {{ value_at_greatest('versions.due_at', 'versions.changed_at') }} as due_at
    from open_dossiers
    inner join versions
        on open_dossiers.dossier_id = versions.dossier_id
        and {{ local_date('versions.changed_at') }} < open_dossiers.next_month_date
    group by open_dossiers.month_date, open_dossiers.dossier_id

),

classified as (

    select
        open_dossiers.*,
        open_dossiers.received_date < open_dossiers.month_date as is_carried_over,
        case
            when open_dossiers.closed_date < open_dossiers.next_month_date then open_dossiers.state_code
            when states_then.state_code = 'supplementing' then 'supplementing'
            else 'in_progress'
        end as state_then,
        coalesce({{ local_date('states_then.due_at') }}, open_dossiers.due_date) < open_dossiers.as_of_date as is_overdue_then
    from open_dossiers
    left join states_then using (month_date, dossier_id)

),

counted as (

    select
        agency_code,
        month_date,
        count(*) as received_total,
        count(*) filter (where is_carried_over) as carried_over,
        count(*) filter (where not is_carried_over) as received,
        count(*) filter (where not is_carried_over and channel_code = '2') as received_online,
        count(*) filter (where not is_carried_over and channel_code in ('1', '3')) as received_direct_or_post,
        count(*) filter (where state_then = 'processed') as processed_total,
        count(*) filter (where state_then = 'processed' and is_on_time) as processed_on_time,
        count(*) filter (where state_then = 'processed' and not is_on_time) as processed_overdue,
        count(*) filter (where state_then = 'in_progress') as in_progress_total,
        count(*) filter (where state_then = 'in_progress' and not is_overdue_then) as in_progress_in_time,
        count(*) filter (where state_then = 'in_progress' and is_overdue_then) as in_progress_overdue,
        count(*) filter (where state_then = 'supplementing') as supplementing,
        count(*) filter (where state_then = 'returned') as returned,
        count(*) filter (where not is_carried_over and is_online_procedure) as received_in_online_procedures,
        count(*) filter (where not is_carried_over and is_online_procedure and channel_code = '2') as online_in_online_procedures,
        count(*) filter (where not is_carried_over and has_digitised_components) as received_digitised,
        count(*) filter (where state_then = 'processed' and has_digitised_result) as processed_with_digitised_result,
        cast(coalesce(sum(digitised_component_count) filter (where not is_carried_over), 0) as bigint) as digitised_components,
        cast(coalesce(sum(reused_component_count) filter (where not is_carried_over), 0) as bigint) as reused_components,
        count(*) filter (where not is_carried_over and has_fee) as received_with_fee,
        count(*) filter (where not is_carried_over and has_fee and is_paid_online) as received_paid_online,
        max(last_changed_at) as last_changed_at
    from classified
    group by agency_code, month_date

),

final as (

    select
        agencies.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        agencies.latitude,
        agencies.longitude,
        months.month_date,
        months.month_date = {{ month_of(local_date(clock())) }} as is_latest,
{%- for count in [
    'received_total', 'carried_over', 'received', 'received_online', 'received_direct_or_post', 'processed_total', 'processed_on_time',
    'processed_overdue', 'in_progress_total', 'in_progress_in_time', 'in_progress_overdue', 'supplementing', 'returned',
    'received_in_online_procedures', 'online_in_online_procedures', 'received_digitised', 'processed_with_digitised_result',
    'digitised_components', 'reused_components', 'received_with_fee', 'received_paid_online'
] %}
        coalesce(counted.{{ count }}, 0) as {{ count }},
{%- endfor %}
        100.0 * counted.processed_on_time / nullif(counted.processed_total, 0) as on_time_percent,
        100.0 * counted.online_in_online_procedures / nullif(counted.received_in_online_procedures, 0) as online_percent,
        100.0 * counted.received_digitised / nullif(counted.received, 0) as digitised_percent,
        100.0 * counted.reused_components / nullif(counted.digitised_components, 0) as reused_percent,
        100.0 * counted.received_paid_online / nullif(counted.received_with_fee, 0) as paid_online_percent,
        counted.last_changed_at
    from agencies
    cross join months
    left join counted
        on agencies.agency_code = counted.agency_code
        and months.month_date = counted.month_date

)

select * from final
