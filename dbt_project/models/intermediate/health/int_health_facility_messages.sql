{{ config(materialized='table') }}

-- What is not known of a facility, because its messages do not reach that far, is not 0.
with files as (

    select
        facility_code,
        file_kind,
        visit_type_code,
        {{ local_date('created_at') }} as made_date,
        {{ local_date('admitted_at') }} as came_date,
        received_at
    from {{ ref('stg_health__claims') }}

),

final as (

    select
        facility_code,
        min(made_date) filter (where file_kind = 'XML1') as first_claims_date,
        max(made_date) filter (where file_kind = 'XML1') as last_claims_date,
        max(received_at) filter (where file_kind = 'XML1') as last_claims_received_at,
        max(received_at) as last_received_at,
        min(came_date) as first_came_date,
        min(came_date) filter (where file_kind = 'XML0' and visit_type_code = '{{ var("bed_visit_type") }}') as first_bed_check_in_date
    from files
    group by facility_code

)

select * from final
