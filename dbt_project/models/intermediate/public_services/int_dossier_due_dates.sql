{{ config(materialized='table') }}

-- A supplement stops the clock and sets a new due date; what was promised before stays known. A date that cannot be read is not known, and
-- where the time of a change cannot be read, neither is which one was first.
with dossiers as (

    select * from {{ ref('int_dossiers_current') }}
    where due_at is not null

),

changes as (

    select dossiers.dossier_id, parts.part as change_text
    from dossiers
    cross join {{ parts_of('dossiers.due_changes', ';') }}

),

parsed as (

    select
        dossier_id,
        {{ instant_of_digits('substr(change_text, 1, 14)') }} as set_at,
        {{ instant_of_digits('substr(change_text, 16, 14)') }} as due_before_at,
        {{ instant_of_digits('substr(change_text, 31, 14)') }} as due_at
    from changes

),

numbered as (

    select *, row_number() over (partition by dossier_id order by set_at, due_at) as due_number
    from parsed

),

changed as (

    select
        dossier_id,
        case when count(*) = count(set_at) then max(due_before_at) filter (where due_number = 1) end as first_due_at
    from numbered
    group by dossier_id

),

first_dates as (

    select
        dossiers.dossier_id,
        0 as due_number,
        dossiers.received_at as set_at,
        case when changed.dossier_id is null then dossiers.due_at else changed.first_due_at end as due_at
    from dossiers
    left join changed on dossiers.dossier_id = changed.dossier_id

),

final as (

    select dossier_id, due_number, set_at, due_at from first_dates
    union all
    select dossier_id, due_number, set_at, due_at from numbered

)

select * from final
