with records as (

    select * from {{ ref('int_quarantine_records') }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

error_groups as (

    select * from {{ ref('error_groups') }}

),

reasons as (

    select
        feed,
        reason,
        error_group,
        cast(coalesce(sum(record_count) filter (where is_open), 0) as bigint) as records,
        cast(coalesce(sum(record_count) filter (where outcome in ('accepted', 'duplicate')), 0) as bigint) as repaired_records,
        min(quarantined_since) filter (where is_open) as oldest_at,
        max(quarantined_since) filter (where is_open) as newest_at
    from records
    where is_open or outcome in ('accepted', 'duplicate')
    group by feed, reason, error_group

),

final as (

    select
        reasons.feed,
        feeds.domain,
        feeds.label_vi,
        reasons.reason,
        reasons.error_group,
        error_groups.label_vi as error_group_label,
        reasons.records,
        reasons.repaired_records,
        reasons.oldest_at,
        reasons.newest_at
    from reasons
    inner join feeds on reasons.feed = feeds.feed
    left join error_groups on reasons.error_group = error_groups.error_group

)

select * from final
