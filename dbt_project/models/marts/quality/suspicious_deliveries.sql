-- Answers that are usually empty may be empty.
with answers as (

    select * from {{ ref('int_answers') }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

findings as (

    select *, 'empty' as kind from answers
    where received = 0 and coalesce(usual_records, 1) > 0
    union all
    select *, 'small' as kind from answers
    where received > 0 and received < usual_records * {{ var('small_answer_percent') }} / 100e0
    union all
    select *, 'pages_missing' as kind from answers
    where pages < promised_pages

),

final as (

    select
        findings.feed,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        findings.kind,
        findings.delivery_id,
        findings.received_at,
        findings.window_start_at,
        findings.window_end_at,
        findings.received as received_records,
        findings.usual_records,
        cast(100e0 * findings.received / nullif(findings.usual_records, 0) as double) as share_percent,
        findings.compared_answers,
        findings.pages,
        findings.promised_pages
    from findings
    inner join feeds on findings.feed = feeds.feed

)

select * from final
