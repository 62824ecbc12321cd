with check_ins as (

    select
        *,
        row_number() over (
            partition by facility_code, claim_id
            order by created_at desc, received_at desc, _source_version desc, delivery_id desc, position desc
        ) as newness
    from {{ ref('stg_health__claims') }}
    where file_kind = 'XML0'

),

claims as (

    select * from {{ ref('int_health_claims_current') }}

),

final as (

    select
        check_ins.facility_code,
        check_ins.claim_id,
        check_ins.admitted_at as checked_in_at,
        {{ local_date('check_ins.admitted_at') }} as checked_in_date,
        coalesce(claims.visit_type_code, check_ins.visit_type_code) as visit_type_code,
        claims.discharged_at,
        check_ins._source_version
    from check_ins
    left join claims on check_ins.facility_code = claims.facility_code and check_ins.claim_id = claims.claim_id
    where check_ins.newness = 1

)

select * from final
