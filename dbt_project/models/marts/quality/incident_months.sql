{%- set deadlines = (5, 10, 15) %}

-- A record in quarantine is an incident until a replay has taken it out. A deadline can be judged for what was closed within it and for what is
-- older; a day beyond the calendar judges nothing.
with records as (

    select
        *,
        {{ local_date('quarantined_since') }} as since_date,
        {{ local_date('closed_at') }} as closed_date
    from {{ ref('int_quarantine_records') }}
    where is_open or outcome in ('accepted', 'duplicate')

),

feeds as (

    select * from {{ ref('feeds') }}

),

days as (

    {{ working_days_so_far() }}

),

aged as (

    select
        records.feed,
        records.record_count,
        records.is_open,
        {{ month_of('records.since_date') }} as month_date,
        ended.working_days_so_far - since.working_days_so_far as working_days
    from records
    left join days as since on records.since_date = since.local_date
    left join days as ended
        on ended.local_date = case when records.is_open then {{ local_date(clock()) }} else records.closed_date end

),

months as (

    select
        feed,
        month_date,
        cast(sum(record_count) as bigint) as records,
        cast(coalesce(sum(record_count) filter (where not is_open), 0) as bigint) as closed_records,
        cast(coalesce(sum(record_count) filter (where is_open), 0) as bigint) as open_records
        {%- for days in deadlines %},
        cast(coalesce(sum(record_count) filter (where not is_open and working_days <= {{ days }}), 0) as bigint) as closed_in_{{ days }}_days,
        cast(coalesce(
            sum(record_count) filter (where not is_open and working_days <= {{ days }} or working_days > {{ days }}), 0
        ) as bigint) as judged_for_{{ days }}_days
        {%- endfor %}
    from aged
    group by feed, month_date

),

final as (

    select
        months.feed,
        feeds.domain,
        feeds.label_vi,
        feeds.owner,
        months.month_date,
        months.records,
        months.closed_records,
        months.open_records
        {%- for days in deadlines %},
        months.closed_in_{{ days }}_days,
        months.judged_for_{{ days }}_days,
        100e0 * months.closed_in_{{ days }}_days / nullif(months.judged_for_{{ days }}_days, 0) as closed_in_{{ days }}_days_percent
        {%- endfor %}
    from months
    inner join feeds on months.feed = feeds.feed

)

select * from final
