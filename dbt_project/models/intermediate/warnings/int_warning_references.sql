{{ config(materialized='view', database='memory', schema='staging') }}

-- A message replaces those that it references, and, if it is a cancel, also what had updated them before it was sent: who cancels the first message
-- of a warning ends the warning as it then stood. Chains are followed over eight messages; who updates more often is expected to reference more
-- than the last one, as the standard asks. A message may arrive before those that it references.
with messages as (

    select * from {{ ref('int_warning_messages') }}

),

direct as (

    select distinct
        messages.sender,
        messages.identifier,
        split_part(parts.part, ',', 1) as referenced_sender,
        split_part(parts.part, ',', 2) as referenced_identifier
    from messages
    cross join {{ parts_of('messages.referenced_messages', ' ') }}
    where messages.message_type_code in ('Update', 'Cancel')

),

{% for step in [2, 4, 8] -%}
{%- set shorter = 'direct' if step == 2 else 'within_' ~ step // 2 -%}
within_{{ step }} as (

    select * from {{ shorter }}
    union
    select
        later.sender,
        later.identifier,
        earlier.referenced_sender,
        earlier.referenced_identifier
    from {{ shorter }} as later
    inner join {{ shorter }} as earlier
        on later.referenced_sender = earlier.sender and later.referenced_identifier = earlier.identifier

),

{% endfor -%}
replaced as (

    select
        replaced.sender,
        replaced.identifier,
        replacing.sender as by_sender,
        replacing.identifier as by_identifier
    from direct
    inner join messages as replacing on direct.sender = replacing.sender and direct.identifier = replacing.identifier
    inner join messages as replaced
        on direct.referenced_sender = replaced.sender
        and direct.referenced_identifier = replaced.identifier
        and replaced.sent_at <= replacing.sent_at
    union
    select
        updated.sender,
        updated.identifier,
        cancelling.sender as by_sender,
        cancelling.identifier as by_identifier
    from direct
    inner join messages as cancelling
        on direct.sender = cancelling.sender
        and direct.identifier = cancelling.identifier
        and cancelling.message_type_code = 'Cancel'
    inner join within_8
        on direct.referenced_sender = within_8.referenced_sender
        and direct.referenced_identifier = within_8.referenced_identifier
    inner join messages as updated
        on within_8.sender = updated.sender
        and within_8.identifier = updated.identifier
        and updated.message_type_code = 'Update'
        and updated.sent_at <= cancelling.sent_at

),

final as (

    select
        replaced.sender,
        replaced.identifier,
        min(replacing.sent_at) as ended_at,
        {{ value_at_least('replacing.message_type_code', 'replacing.sent_at') }} as ended_by_code
    from replaced
    inner join messages as replacing
        on replaced.by_sender = replacing.sender and replaced.by_identifier = replacing.identifier
    where replaced.sender <> replaced.by_sender or replaced.identifier <> replaced.by_identifier
    group by replaced.sender, replaced.identifier

)

select * from final
