{{ config(materialized='view', database='memory', schema='staging') }}

-- An MMSI that two vessels claim belongs to the one that was listed last.
with vessels as (

    select * from {{ ref('int_vessels_current') }}

),

identities as (

    select 'vms:' || vessel_id as vessel_key, *, 1 as claim
    from vessels
    union all
    select
        'ais:' || mmsi as vessel_key,
        *,
        row_number() over (partition by mmsi order by listed_at desc, vessel_id) as claim
    from vessels
    where mmsi is not null

),

final as (

    select
        vessel_key,
        vessel_id as registration_number,
        vessel_name as registered_name,
        call_sign as registered_call_sign,
        mmsi,
        length_m,
        commune_code,
        licence_expires_date,
        operator_code
    from identities
    where claim = 1

)

select * from final
