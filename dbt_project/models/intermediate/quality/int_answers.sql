{{ config(materialized='incremental', unique_key=['feed', 'delivery_id'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set before = 'partition by feed, comparable order by _source_version, received_at, source_name, delivery_id rows between '
    ~ var('comparable_answers') ~ ' preceding and 1 preceding' %}

-- Each answer beside those before it that can be compared: a file of the same name but for its date, or a collection's window of the same length.
-- Repeated deliveries and unreadable ones are told by the ledger and the quarantine.
with feeds as (

    select * from {{ ref('feeds') }}

),

polls as (

    select polls.*
    from {{ ref('stg_quality__polls') }} as polls
    inner join feeds on polls.feed = feeds.feed
    where feeds.slots_by = 'polls' and polls.window_start_at < polls.window_end_at

),

new_windows as (

    select distinct feed, window_start_at, window_end_at
    from polls
    where _source_version > {{ built }}

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
    inner join new_windows using (feed, window_start_at, window_end_at)
    group by feed, window_start_at, window_end_at, page

),

windows as (

    select
        feed,
        {{ value_at_least('delivery_id', 'page') }} as delivery_id,
        min(source_name) as source_name,
        max(received_at) as received_at,
        window_start_at,
        window_end_at,
        sum(received) as received,
        count(*) as pages,
        max(page) as last_page,
        {{ value_at_greatest('received', 'page') }} as last_page_received,
        max(_source_version) as _source_version
    from pages
    group by feed, window_start_at, window_end_at

),

new_answers as (

    -- the end of a list is a page that is not full
    select
        windows.feed,
        windows.delivery_id,
        cast(cast(
            round(60 * {{ hours_between('windows.window_start_at', 'windows.window_end_at') }} / feeds.cadence_minutes) as bigint
        ) as varchar) || '.0' as comparable,
        windows.source_name,
        windows.received_at,
        windows.window_start_at,
        windows.window_end_at,
        cast(windows.received as bigint) as received,
        windows.pages,
        case when windows.last_page_received >= feeds.page_size then windows.last_page + 1 else windows.last_page end as promised_pages,
        windows._source_version
    from windows
    inner join feeds on windows.feed = feeds.feed
    union all
    select
        deliveries.feed,
        deliveries.delivery_id,
        {{ without_dates('deliveries.source_name') }} as comparable,
        deliveries.source_name,
        deliveries.received_at,
        cast(null as {{ instant_type() }}) as window_start_at,
        cast(null as {{ instant_type() }}) as window_end_at,
        deliveries.received,
        cast(null as bigint) as pages,
        cast(null as bigint) as promised_pages,
        deliveries._source_version
    from {{ ref('stg_quality__deliveries') }} as deliveries
    inner join feeds on deliveries.feed = feeds.feed
    where
        feeds.slots_by <> 'polls'
        and deliveries.status in ('loaded', 'empty')
        and deliveries._source_version > {{ built }}

),

{%- if is_incremental() %}

oldest as (

    select feed, min(received_at) as oldest_at
    from new_answers
    group by feed

),
{%- endif %}

answers as (

    select *, true as is_new from new_answers
    {%- if is_incremental() %}
    union all
    select
        known.feed,
        known.delivery_id,
        known.comparable,
        known.source_name,
        known.received_at,
        known.window_start_at,
        known.window_end_at,
        known.received,
        known.pages,
        known.promised_pages,
        known._source_version,
        false as is_new
    from {{ this }} as known
    inner join feeds on known.feed = feeds.feed
    inner join oldest on known.feed = oldest.feed
    left join new_answers on known.feed = new_answers.feed and known.delivery_id = new_answers.delivery_id
    where
        new_answers.feed is null
        and known.received_at >= {{ minutes_after('oldest.oldest_at', '-' ~ greatest_known(
            20 * 24 * 60, 3 * var('comparable_answers') ~ ' * ' ~ greatest_known('feeds.cadence_minutes', 'feeds.freshness_minutes')
        )) }}
    {%- endif %}

),

measured as (

    select
        *,
        count(*) over ({{ before }}) as compared_answers,
        {{ median_over('received', before) }} as median_records
    from answers

),

final as (

    select
        feed,
        delivery_id,
        comparable,
        source_name,
        received_at,
        window_start_at,
        window_end_at,
        received,
        pages,
        promised_pages,
        compared_answers,
        case when compared_answers >= {{ var('comparable_answers_least') }} then median_records end as usual_records,
        _source_version
    from measured
    where is_new

)

select * from final
