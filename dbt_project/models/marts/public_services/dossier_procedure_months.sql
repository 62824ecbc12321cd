-- The statutory time is that of the reference list; the time taken holds what an applicant took for supplements, which moves the due date.
with standing as (

    select * from {{ ref('int_dossier_months') }}

),

procedures as (

    select * from {{ ref('procedures') }}

),

levels as (

    select * from {{ ref('procedure_levels') }}

),

months as (

    {{ months_to_now('select month_date as local_date from standing') }}

),

counted as (

    select
        procedure_code,
        month_date,
        count(*) filter (where not is_carried_over) as received,
        count(*) filter (where not is_carried_over and channel_code = '2') as received_online,
        count(*) filter (where state_code = 'processed') as processed_total,
        count(*) filter (where is_before_time) as processed_before_time,
        count(*) filter (where is_on_time and not is_before_time) as processed_on_the_day,
        count(*) filter (where not is_on_time) as processed_overdue,
        count(*) filter (where is_overdue) as in_progress_overdue,
        count(working_days_taken) as working_days_known,
        cast(sum(working_days_taken) as bigint) as working_days_taken
    from standing
    group by procedure_code, month_date

),

final as (

    select
        procedures.procedure_code,
        procedures.procedure_name,
        procedures.field_code,
        procedures.field_name,
        procedures.level_code,
        levels.label_vi as level_label,
        months.month_date,
        months.month_date = {{ month_of(local_date(clock())) }} as is_latest,
{%- for count in [
    'received', 'received_online', 'processed_total', 'processed_before_time', 'processed_on_the_day', 'processed_overdue', 'in_progress_overdue',
    'working_days_known'
] %}
        coalesce(counted.{{ count }}, 0) as {{ count }},
{%- endfor %}
        counted.working_days_taken,
        procedures.processing_days as statutory_working_days,
        1e0 * counted.working_days_taken / nullif(counted.working_days_known, 0) as mean_working_days,
        100e0 * (counted.processed_before_time + counted.processed_on_the_day) / nullif(counted.processed_total, 0) as on_time_percent,
        100e0 * (counted.processed_before_time + counted.processed_on_the_day)
        / nullif(counted.processed_total + counted.in_progress_overdue, 0) as on_time_of_due_percent
    from procedures
    inner join levels on procedures.level_code = levels.level_code
    cross join months
    left join counted
        on procedures.procedure_code = counted.procedure_code
        and months.month_date = counted.month_date

)

select * from final
