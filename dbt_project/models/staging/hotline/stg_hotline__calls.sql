-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'hotline__calls') }}

),

renamed as (

    select
        call_id,
        started_at,
        ended_at,
        direction_code,
        caller_hash,
        menu_branch_code,
        outcome_code,
        wait_seconds,
        talk_seconds,
        agent_id,
        satisfaction_rating,
        _record_count,
        _source_version
    from source

)

select * from renamed
