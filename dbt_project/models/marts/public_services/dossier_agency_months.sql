-- A dossier counts in every month in which it was open: in the month it was received, and as carried over in each later one until it is closed.
-- A flag that never came is not known, and neither is a count of it unless some came.
with standing as (

    select * from {{ ref('int_dossier_months') }}

),

agencies as (

    select * from {{ ref('agencies') }}

),

months as (

    {{ months_to_now('select month_date as local_date from standing') }}

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
        count(*) filter (where state_code = 'processed') as processed_total,
        count(*) filter (where state_code = 'processed' and is_on_time) as processed_on_time,
        count(*) filter (where state_code = 'processed' and not is_on_time) as processed_overdue,
        count(*) filter (where state_code = 'in_progress') as in_progress_total,
        count(*) filter (where state_code = 'in_progress' and not is_overdue) as in_progress_in_time,
        count(*) filter (where state_code = 'in_progress' and is_overdue) as in_progress_overdue,
        count(*) filter (where state_code = 'supplementing') as supplementing,
        count(*) filter (where state_code = 'returned') as returned,
        count(*) filter (where not is_carried_over and is_online_procedure) as received_in_online_procedures,
        count(*) filter (where not is_carried_over and is_online_procedure and channel_code = '2') as online_in_online_procedures,
        count(*) filter (where not is_carried_over and has_digitised_components is not null) as received_digitisation_known,
        count(*) filter (where not is_carried_over and has_digitised_components) as received_digitised,
        count(*) filter (where state_code = 'processed' and has_digitised_result is not null) as processed_result_known,
        count(*) filter (where state_code = 'processed' and has_digitised_result) as processed_with_digitised_result,
        count(*) filter (
            where not is_carried_over and digitised_component_count is not null and reused_component_count is not null
        ) as received_reuse_known,
        cast(coalesce(
            sum(digitised_component_count) filter (where not is_carried_over and reused_component_count is not null), 0
        ) as bigint) as digitised_components,
        cast(coalesce(
            sum(reused_component_count) filter (where not is_carried_over and digitised_component_count is not null), 0
        ) as bigint) as reused_components,
        count(*) filter (where not is_carried_over and (not has_fee or is_paid_online is not null)) as received_payment_known,
        count(*) filter (where not is_carried_over and has_fee and is_paid_online is not null) as received_with_fee,
        count(*) filter (where not is_carried_over and has_fee and is_paid_online) as received_paid_online,
        max(changed_at) as last_changed_at
    from standing
    group by agency_code, month_date

),

open_before as (

    select dossier_id, agency_code, cast(month_date + interval '1' month as date) as month_date
    from standing
    where state_code in ('in_progress', 'supplementing')

),

moved as (

    select
        coalesce(standing.agency_code, open_before.agency_code) as agency_code,
        coalesce(standing.month_date, open_before.month_date) as month_date,
        count(*) filter (where standing.is_carried_over and open_before.dossier_id is null) as moved_in,
        count(*) filter (where standing.dossier_id is null) as moved_out
    from standing
    full outer join open_before
        on standing.dossier_id = open_before.dossier_id
        and standing.agency_code = open_before.agency_code
        and standing.month_date = open_before.month_date
    group by coalesce(standing.agency_code, open_before.agency_code), coalesce(standing.month_date, open_before.month_date)

),

listed as (

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
    'received_in_online_procedures', 'online_in_online_procedures', 'received_digitisation_known', 'processed_result_known',
    'received_reuse_known', 'received_payment_known'
] %}
        coalesce(counted.{{ count }}, 0) as {{ count }},
{%- endfor %}
{%- for count, known, whole in [
    ('received_digitised', 'received_digitisation_known', 'received'), ('processed_with_digitised_result', 'processed_result_known', 'processed_total'),
    ('digitised_components', 'received_reuse_known', 'received'), ('reused_components', 'received_reuse_known', 'received'),
    ('received_with_fee', 'received_payment_known', 'received'), ('received_paid_online', 'received_payment_known', 'received')
] %}
        case when counted.{{ known }} > 0 then counted.{{ count }} when coalesce(counted.{{ whole }}, 0) = 0 then 0 end as {{ count }},
{%- endfor %}
        coalesce(moved.moved_in, 0) as moved_in,
        coalesce(moved.moved_out, 0) as moved_out,
        counted.last_changed_at
    from agencies
    cross join months
    left join counted
        on agencies.agency_code = counted.agency_code
        and months.month_date = counted.month_date
    left join moved
        on agencies.agency_code = moved.agency_code
        and months.month_date = moved.month_date

),

final as (

    select
        *,
        processed_total + in_progress_overdue as due_total,
        100e0 * processed_on_time / nullif(processed_total, 0) as on_time_percent,
        100e0 * processed_on_time / nullif(processed_total + in_progress_overdue, 0) as on_time_of_due_percent,
        100e0 * online_in_online_procedures / nullif(received_in_online_procedures, 0) as online_percent,
        100e0 * received_digitised / nullif(received_digitisation_known, 0) as digitised_percent,
        100e0 * processed_with_digitised_result / nullif(processed_result_known, 0) as result_digitised_percent,
        100e0 * reused_components / nullif(digitised_components, 0) as reused_percent,
        100e0 * received_paid_online / nullif(received_with_fee, 0) as paid_online_percent,
        {{ why_flag_unknown('received_digitisation_known', 'received_digitised', 'HoSoCoThanhPhanSoHoa') }} as digitised_unknown_reason,
        {{ why_flag_unknown('processed_result_known', 'processed_with_digitised_result', 'DanhSachGiayToKetQua') }}
            as result_digitised_unknown_reason,
        {{ why_flag_unknown('digitised_components', 'digitised_components', 'TaiLieuNop') }} as reused_unknown_reason,
        {{ why_flag_unknown('received_with_fee', 'received_with_fee', 'DanhSachLePhi, DuocThanhToanTrucTuyen') }} as paid_online_unknown_reason
    from listed

)

select * from final
