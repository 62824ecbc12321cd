{{ config(materialized='table') }}

-- A claim comes after discharge; until then a patient is known from the check-in. A stay whose claim never comes ends in `open_stay_days`.
with claims as (

    select * from {{ ref('int_health_claims_current') }}

),

check_ins as (

    select * from {{ ref('int_health_check_ins_current') }}

),

visits as (

    select
        coalesce(claims.facility_code, check_ins.facility_code) as facility_code,
        coalesce(claims.claim_id, check_ins.claim_id) as claim_id,
        claims.claim_id is not null as is_claimed,
        coalesce(claims.visit_type_code, check_ins.visit_type_code) as visit_type_code,
        coalesce(claims.admitted_date, check_ins.checked_in_date) as came_date,
        claims.discharged_date,
        claims.treatment_days,
        {{ greatest_known(days_between('claims.admitted_date', 'claims.discharged_date'), 0) }} as nights
    from claims
    full outer join check_ins
        on claims.facility_code = check_ins.facility_code and claims.claim_id = check_ins.claim_id

),

final as (

    select
        facility_code,
        claim_id,
        is_claimed,
        visit_type_code,
        coalesce(visit_type_code in ({{ "'" ~ var('inpatient_visit_types') | join("', '") ~ "'" }}), false) as is_inpatient,
        came_date,
        discharged_date,
        -- A stay fills a bed on as many days from its first as it is paid for (SO_NGAY_DTRI), but not after discharge.
        case
            when (visit_type_code is distinct from '{{ var("bed_visit_type") }}') then null
            when not is_claimed then {{ days_after('came_date', var('open_stay_days')) }}
            when treatment_days is null then {{ days_after('came_date', greatest_known('nights', 1) ~ ' - 1') }}
            else {{ days_after('came_date', least_known('treatment_days', 'nights + 1') ~ ' - 1') }}
        end as last_bed_date
    from visits

)

select * from final
