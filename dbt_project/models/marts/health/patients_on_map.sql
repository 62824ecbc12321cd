-- Numbers of patients' communes are those of `patient_commune_months`, small ones hidden there.
with communes as (

    {{ commune_shapes() }}

),

months as (

    select
        commune_code,
        max(month_date) as month_date,
        bool_or(is_small_cell) as is_small_cell,
        cast(sum(visits) filter (where care_kind = 'outpatient') as bigint) as outpatient_visits,
        cast(sum(visits) filter (where care_kind = 'inpatient') as bigint) as inpatient_visits
    from {{ ref('patient_commune_months') }}
    where is_latest
    group by commune_code

),

facilities as (

    select
        facility_code,
        facility_name,
        commune_code,
        latitude,
        longitude,
        cast(sum(visits) as bigint) as facility_visits
    from {{ ref('facility_days') }}
    where latitude is not null and longitude is not null
    group by facility_code, facility_name, commune_code, latitude, longitude

),

final as (

    select
        communes.*,
        months.month_date,
        coalesce(months.is_small_cell, false) as is_small_cell,
        months.outpatient_visits,
        months.inpatient_visits,
        cast(null as bigint) as facility_visits
    from communes
    left join months on communes.commune_code = months.commune_code
    union all
    select
        {{ point_shape('facility', 'facility_code', 'facility_name', 'commune_code', 'latitude', 'longitude', var('map_point_km')) }},
        null as month_date,
        false as is_small_cell,
        null as outpatient_visits,
        null as inpatient_visits,
        facility_visits
    from facilities

)

select * from final
