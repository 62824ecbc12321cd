-- A name that nobody promised can be a person's, where the header of a file is its first record: it is numbered in the order in which the
-- feed's were first seen. The names themselves stand in the ledger.
with changes as (

    select * from {{ ref('stg_quality__drift') }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

unpromised as (

    select
        feed,
        wire_name,
        '#' || cast(row_number() over (partition by feed order by min(seen_at), wire_name) as varchar) as shown_name
    from (
        select feed, column_name as wire_name, seen_at from changes where kind = 'added'
        union all
        select feed, came as wire_name, seen_at from changes where kind = 'renamed'
    ) as names
    group by feed, wire_name

),

shown as (

    select
        changes.feed,
        changes.delivery_id,
        case when changes.kind = 'added' then unpromised.shown_name else changes.column_name end as column_name,
        changes.kind,
        changes.expected,
        case when changes.kind in ('added', 'renamed') then unpromised.shown_name else changes.came end as came,
        changes.record_count,
        changes.is_stopped,
        changes.seen_at
    from changes
    left join unpromised
        on changes.feed = unpromised.feed
        and unpromised.wire_name = case changes.kind when 'added' then changes.column_name when 'renamed' then changes.came end

),

columns as (

    select
        feed,
        column_name,
        kind,
        max_by(expected, seen_at) as expected,
        max_by(came, seen_at) as came,
        count(distinct delivery_id) as deliveries,
        count(distinct delivery_id) filter (where is_stopped) as stopped_deliveries,
        cast(sum(record_count) as bigint) as records,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at
    from shown
    group by feed, column_name, kind

),

final as (

    select
        columns.feed,
        feeds.domain,
        feeds.label_vi,
        columns.column_name,
        columns.kind,
        case columns.kind
            when 'added' then 'Cột mới'
            when 'missing' then 'Thiếu cột'
            when 'renamed' then 'Đổi tên cột'
            when 'retyped' then 'Đổi kiểu dữ liệu'
        end as kind_label,
        columns.expected,
        columns.came,
        columns.deliveries,
        columns.stopped_deliveries,
        columns.records,
        columns.first_seen_at,
        columns.last_seen_at
    from columns
    inner join feeds on columns.feed = feeds.feed

)

select * from final
