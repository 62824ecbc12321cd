with records as (

    select *, {{ local_date('quarantined_since') }} as since_date
    from {{ ref('int_quarantine_records') }}
    where is_open

),

feeds as (

    select * from {{ ref('feeds') }}

),

error_groups as (

    select * from {{ ref('error_groups') }}

),

stages as (

    select * from {{ ref('incident_stages') }}

),

days as (

    {{ working_days_so_far() }}

),

aged as (

    select
        records.*,
        case
            when today.working_days_so_far < since.working_days_so_far then 0
            else today.working_days_so_far - since.working_days_so_far
        end as working_days
    from records
    left join days as since on records.since_date = since.local_date
    left join days as today on today.local_date = {{ local_date(clock()) }}

),

staged as (

    select
        aged.*,
        (
            select max(stages.from_working_days)
            from stages
            where stages.from_working_days <= aged.working_days
        ) as from_working_days
    from aged

),

grouped as (

    select
        feed,
        reason,
        error_group,
        from_working_days,
        cast(sum(record_count) as bigint) as records,
        min(quarantined_since) as oldest_at,
        max(working_days) as working_days
    from staged
    group by feed, reason, error_group, from_working_days

),

final as (

    select
        grouped.feed,
        feeds.domain,
        feeds.label_vi,
        grouped.reason,
        grouped.error_group,
        error_groups.label_vi as error_group_label,
        coalesce(stages.stage, 'unknown') as stage,
        coalesce(stages.label_vi, 'Không rõ') as stage_label,
        grouped.records,
        grouped.oldest_at,
        grouped.working_days
    from grouped
    inner join feeds on grouped.feed = feeds.feed
    left join error_groups on grouped.error_group = error_groups.error_group
    left join stages on grouped.from_working_days = stages.from_working_days

)

select * from final
