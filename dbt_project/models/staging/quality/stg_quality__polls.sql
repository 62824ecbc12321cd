-- A collection that asks page by page writes its window and the page into the name of what it lands (ingestion/collect/connectors/http.py). A page of
-- an earlier reading of the same window is no page of the list, and one that was withdrawn proves nothing.
{%- set name = '_([0-9]{8}T[0-9]{6}Z)_([0-9]{8}T[0-9]{6}Z)_p([0-9]+)[.]' %}

with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('ledger', 'deliveries') }}

),

renamed as (

    select
        feed,
        delivery_id,
        source_name,
        received_at,
        status,
        received,
        {{ instant_of_page_time(part_matched('source_name', name, 1)) }} as window_start_at,
        {{ instant_of_page_time(part_matched('source_name', name, 2)) }} as window_end_at,
        try_cast({{ part_matched('source_name', name, 3) }} as bigint) as page,
        _source_version
    from source
    where status <> 'withdrawn' and {{ matches('source_name', name) }}

)

select * from renamed
