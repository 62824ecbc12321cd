{{ config(materialized='table') }}

-- A supplement stops the clock and sets a new due date; what was promised before stays known.
with dossiers as (

    select * from {{ ref('int_dossiers_current') }}
    where due_at is not null

),

changes as (

    select dossier_id, {{ each_part('due_changes', ';') }} as change_text
    from dossiers
    where due_changes is not null

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

first_dates as (

    select
        dossiers.dossier_id,
        0 as due_number,
        dossiers.received_at as set_at,
        coalesce(numbered.due_before_at, dossiers.due_at) as due_at
    from dossiers
    left join numbered on dossiers.dossier_id = numbered.dossier_id and numbered.due_number = 1

),

final as (

    select dossier_id, due_number, set_at, due_at from first_dates
    union all
    select dossier_id, due_number, set_at, due_at from numbered

)

select * from final
