-- max_points * min(1, rate / target) per component; what is not known stays NULL and says why, never 0 and never full points.
with agency_months as (

    select * from {{ ref('dossier_agency_months') }}

),

satisfaction as (

    select * from {{ ref('satisfaction_agency_months') }}

),

components as (

    select * from {{ ref('decision_766_targets') }}

),

counted as (

    select
        agency_months.agency_code,
        agency_months.agency_name,
        agency_months.agency_group,
        agency_months.month_date,
        agency_months.is_latest,
        components.group_code,
        components.group_label,
        components.component_code,
        components.component_label,
        components.max_points,
        components.target_percent,
        components.no_source_reason,
        cast(case components.component_code
            when 'on_time' then agency_months.processed_on_time
            when 'components_digitised' then agency_months.received_digitised
            when 'results_digitised' then agency_months.processed_with_digitised_result
            when 'components_reused' then agency_months.reused_components
            when 'online_dossiers' then agency_months.online_in_online_procedures
            when 'online_payments' then agency_months.received_paid_online
            when 'satisfaction_rate' then satisfaction.satisfied_dossiers
        end as bigint) as numerator,
        cast(case components.component_code
            when 'on_time' then agency_months.processed_total
            when 'components_digitised' then agency_months.received_digitisation_known
            when 'results_digitised' then agency_months.processed_result_known
            when 'components_reused' then agency_months.digitised_components
            when 'online_dossiers' then agency_months.received_in_online_procedures
            when 'online_payments' then agency_months.received_with_fee
            when 'satisfaction_rate' then satisfaction.rated_dossiers
        end as bigint) as denominator,
        cast(case components.component_code when 'on_time' then agency_months.due_total end as bigint) as denominator_of_due,
        case components.component_code
            when 'components_digitised' then agency_months.digitised_unknown_reason
            when 'results_digitised' then agency_months.result_digitised_unknown_reason
            when 'components_reused' then agency_months.reused_unknown_reason
            when 'online_payments' then agency_months.paid_online_unknown_reason
            when 'satisfaction_rate' then coalesce(satisfaction.unknown_reason, 'Chưa có đánh giá nào trong tháng')
        end as flag_unknown_reason
    from agency_months
    cross join components
    left join satisfaction
        on agency_months.agency_code = satisfaction.agency_code
        and agency_months.month_date = satisfaction.month_date

),

rated as (

    select
        *,
        100e0 * numerator / nullif(denominator, 0) as rate_percent,
        100e0 * numerator / nullif(denominator_of_due, 0) as rate_of_due_percent
    from counted

),

scored as (

    select
        *,
        case when rate_percent is not null then max_points * {{ least_known('1e0', '1e0 * rate_percent / target_percent') }} end as score_points,
        case
            when rate_of_due_percent is not null then max_points * {{ least_known('1e0', '1e0 * rate_of_due_percent / target_percent') }}
        end as score_of_due_points
    from rated

),

final as (

    select
        agency_code,
        agency_name,
        agency_group,
        month_date,
        is_latest,
        group_code,
        group_label,
        component_code,
        component_label,
        max_points,
        target_percent,
        numerator,
        denominator,
        rate_percent,
        score_points,
        case
            when score_points is null
                then coalesce(no_source_reason, flag_unknown_reason, 'Không có hồ sơ nào để tính trong tháng')
        end as unknown_reason,
        denominator_of_due,
        rate_of_due_percent,
        score_of_due_points,
        {{ six_decimals('sum(max_points) over of_group') }} as group_max_points,
        case
            when count(score_points) over of_group = count(*) over of_group then {{ six_decimals('sum(score_points) over of_group') }}
        end as group_score_points
    from scored
    window of_group as (partition by agency_code, month_date, group_code)

)

select * from final
