with records as (

    select * from {{ ref('stg_quality__quarantine_records') }}

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
        cast(sum(record_count) as bigint) as records,
        min(quarantined_at) as oldest_at,
        max(quarantined_at) as newest_at
    from records
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
        reasons.oldest_at,
        reasons.newest_at
    from reasons
    inner join feeds using (feed)
    left join error_groups using (error_group)

)

select * from final
