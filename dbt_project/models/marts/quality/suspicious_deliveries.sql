{{ config(materialized='incremental', unique_key=['feed', 'delivery_id', 'kind'], on_schema_change='fail') }}

{%- set built = built_version('source_version') %}
{%- set before = 'partition by feed, comparable order by received_at, source_name rows between ' ~ var('comparable_answers') ~ ' preceding and 1 preceding' %}

-- Each answer beside those before it that can be compared: a file of the same name but for its date, or a collection's window of the same length.
-- Repeated deliveries and unreadable ones are told by the ledger and the quarantine. Answers that are usually empty may be empty.
with feeds as (

    select * from {{ ref('feeds') }}

),

deliveries as (

    select * from {{ ref('stg_quality__deliveries') }}

),

new_deliveries as (

    select feed, min(received_at) as oldest_received_at
    from deliveries
    where _source_version > {{ built }}
    group by feed

),

polls as (

    select polls.*
    from {{ ref('stg_quality__polls') }} as polls
    inner join feeds using (feed)
    where feeds.slots_by = 'polls' and polls.window_start_at < polls.window_end_at

),

pages as (

    select
        feed,
        window_start_at,
        window_end_at,
        page,
        min(delivery_id) as delivery_id,
        min(source_name) as source_name,
        max(received_at) as received_at,
        max(received) as received,
        max(_source_version) as _source_version
    from polls
    group by feed, window_start_at, window_end_at, page

),

windows as (

    select
        pages.feed,
        min(pages.source_name) as source_name,
        min(pages.delivery_id) filter (where pages.page = 1) as delivery_id,
        min(pages.delivery_id) as any_delivery_id,
        pages.window_start_at,
        pages.window_end_at,
        max(pages.received_at) as received_at,
        sum(pages.received) as received,
        count(*) as pages,
        max(pages.page) as last_page,
        {{ value_at_greatest('pages.received', 'pages.page') }} as last_page_received,
        max(pages._source_version) as _source_version
    from pages
    group by pages.feed, pages.window_start_at, pages.window_end_at

),

answers as (

    select
        windows.feed,
        cast(round(60 * {{ hours_between('windows.window_start_at', 'windows.window_end_at') }} / feeds.cadence_minutes) as varchar) as comparable,
        coalesce(windows.delivery_id, windows.any_delivery_id) as delivery_id,
        windows.source_name,
        windows.received_at,
        windows.window_start_at,
        windows.window_end_at,
        windows.received,
        windows.pages,
        -- the end of a list is a page that is not full
        case when windows.last_page_received >= feeds.page_size then windows.last_page + 1 else windows.last_page end as promised_pages,
        windows._source_version
    from windows
    inner join feeds using (feed)
    union all
    select
        deliveries.feed,
        {{ without_dates('deliveries.source_name') }} as comparable,
        deliveries.delivery_id,
        deliveries.source_name,
        deliveries.received_at,
        cast(null as timestamptz) as window_start_at,
        cast(null as timestamptz) as window_end_at,
        deliveries.received,
        cast(null as bigint) as pages,
        cast(null as bigint) as promised_pages,
        deliveries._source_version
    from deliveries
    inner join feeds using (feed)
    where feeds.slots_by <> 'polls' and deliveries.status in ('loaded', 'empty')

),

recent as (

    select answers.*
    from answers
    inner join feeds using (feed)
    inner join new_deliveries using (feed)
    where
        answers.received_at >= new_deliveries.oldest_received_at - greatest(
            interval '20 days',
            to_minutes(cast(3 * {{ var('comparable_answers') }} * greatest(feeds.cadence_minutes, feeds.freshness_minutes) as bigint))
        )

),

measured as (

    select
        *,
        count(*) over ({{ before }}) as compared_answers,
        median(received) over ({{ before }}) as median_records
    from recent

),

usual as (

    select
        * exclude (median_records),
        case when compared_answers >= {{ var('comparable_answers_least') }} then median_records end as usual_records
    from measured
    where _source_version > {{ built }}

),

findings as (

    select *, 'empty' as kind from usual
    where received = 0 and coalesce(usual_records, 1) > 0
    union all
    select *, 'small' as kind from usual
    where received > 0 and received < usual_records * {{ var('small_answer_percent') }} / 100.0
    union all
    select *, 'pages_missing' as kind from usual
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
        cast(findings.received as bigint) as received_records,
        cast(findings.usual_records as double) as usual_records,
        cast(100.0 * findings.received / nullif(findings.usual_records, 0) as double) as share_percent,
        findings.compared_answers,
        findings.pages,
        findings.promised_pages,
        findings._source_version as source_version
    from findings
    inner join feeds using (feed)

)

select * from final
