{{ config(materialized='view', database='memory', schema='staging') }}

-- A list is what the register says from its day on, until a later list says otherwise; the first one is all that is known of the time before it. An
-- MMSI that two vessels claim belongs to the one that was listed last; one that is no ship's belongs to nobody.
with versions as (

    select
        *,
        lag(listed_at) over (partition by vessel_id order by listed_at) as previous_listed_at,
        lead(listed_at) over (partition by vessel_id order by listed_at) as next_listed_at
    from {{ ref('stg_fisheries__vessels') }}

),

identities as (

    select 'vms:' || vessel_id as vessel_key, *
    from versions
    union all
    select 'ais:' || mmsi as vessel_key, *
    from versions
    where {{ is_ship_number('mmsi') }}

),

ranked as (

    select
        *,
        row_number() over (partition by vessel_key, listed_at order by vessel_id) as claim
    from identities

),

claims as (

    select
        *,
        lag(listed_at) over (partition by vessel_key order by listed_at) as previous_claim_at,
        lead(listed_at) over (partition by vessel_key order by listed_at) as next_claim_at
    from ranked
    where claim = 1

),

final as (

    select
        vessel_key,
        vessel_id as registration_number,
        vessel_name as registered_name,
        call_sign as registered_call_sign,
        mmsi,
        length_m,
        length_m >= {{ var('vms_obliged_length_m') }} as is_obliged,
        commune_code,
        licence_expires_date,
        operator_code,
        case when previous_listed_at is not null or previous_claim_at is not null then listed_at end as valid_from,
        case when next_claim_at < next_listed_at or next_listed_at is null then next_claim_at else next_listed_at end as valid_until
    from claims

)

select * from final
