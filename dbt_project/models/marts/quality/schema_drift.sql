with changes as (

    select * from {{ ref('stg_quality__drift') }}

),

feeds as (

    select * from {{ ref('feeds') }}

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
    from changes
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
    inner join feeds using (feed)

)

select * from final
