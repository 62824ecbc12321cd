{{ config(materialized='view', database='memory', schema='staging') }}

-- Only what warns everybody: an exercise, a test, a draft or a message for some neither shows on a page nor changes what shows there.
with messages as (

    select * from {{ ref('stg_warnings__messages') }}

),

final as (

    select
        sender,
        identifier,
        sent_at,
        {{ local_date('sent_at') }} as local_date,
        message_type_code,
        referenced_messages,
        areas,
        _source_version
    from messages
    where status_code = 'Actual' and scope_code = 'Public' and message_type_code in ('Alert', 'Update', 'Cancel')

)

select * from final
