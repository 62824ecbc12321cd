-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with replays as (

    select distinct repair_id, delivery_id
    from {{ source('quarantine', 'repairs') }}
    where feed = 'education.students'

),

brought as (

    select bronze.*, coalesce(replays.delivery_id, bronze._delivery_id) as delivery_id
    from {{ source('bronze', 'education__students') }} as bronze
    left join replays on bronze._delivery_id = replays.repair_id

),

lists as (

    select distinct
        school_year,
        school_code,
        exported_at as listed_at,
        delivery_id
    from brought
    inner join {{ source('ledger', 'deliveries') }} as deliveries using (delivery_id)
    where deliveries.feed = 'education.students' and lower(deliveries.source_name) like '%.xlsx'

),

records as (

    select
        records.delivery_id,
        records.position,
        records.list_key,
        {{ member_at('records.list_key', 3) }} as record_key
    from {{ source('quarantine', 'records') }} as records
    left join {{ source('quarantine', 'repairs') }} as repairs
        on records.feed = repairs.feed
        and records.delivery_id = repairs.delivery_id
        and records.position = repairs.position
    where
        records.feed = 'education.students'
        and ({{ member_at('records.list_key', 3) }} is not null or coalesce(repairs.outcome, 'quarantined') = 'quarantined')

),

placed as (

    select records.delivery_id, records.position
    from records
    inner join lists
        on records.delivery_id = lists.delivery_id
        and cast(lists.school_year as varchar) = {{ member_at('records.list_key', 1) }}
        and cast(lists.school_code as varchar) = {{ member_at('records.list_key', 2) }}

),

refused as (

    select
        lists.school_year,
        lists.school_code,
        lists.listed_at,
        lists.delivery_id,
        records.record_key
    from records
    inner join lists on records.delivery_id = lists.delivery_id
    left join placed
        on records.delivery_id = placed.delivery_id
        and records.position = placed.position
    where
        placed.position is null
        or (cast(lists.school_year as varchar) = {{ member_at('records.list_key', 1) }}
            and cast(lists.school_code as varchar) = {{ member_at('records.list_key', 2) }})

),

renamed as (

    select school_year, school_code, listed_at, delivery_id, null as record_key, false as is_refused from lists
    union all
    select school_year, school_code, listed_at, delivery_id, record_key, true as is_refused from refused

)

select * from renamed
