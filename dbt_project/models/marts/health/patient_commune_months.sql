-- Visits that ended, by where the patient lives. In a month and kind of care a cell of few patients is hidden with the next larger ones, because
-- `stay_months` tells the total; where all patients together are few, all cells are. A facility counts in the months that its messages reach.
with claims as (

    select
        *,
        {{ month_of('discharged_date') }} as month_date,
        case when is_inpatient then 'inpatient' else 'outpatient' end as care_kind
    from {{ ref('int_health_claims_current') }}
    where is_inpatient is not null

),

messages as (

    select * from {{ ref('int_health_facility_messages') }}

),

communes as (

    select * from {{ ref('communes') }}

),

places as (

    select commune_code, commune_name, latitude, longitude from communes
    union all
    select 'outside' as commune_code, 'Ngoài danh mục xã, phường' as commune_name, null as latitude, null as longitude
    union all
    select 'unknown' as commune_code, 'Chưa rõ xã, phường' as commune_name, null as latitude, null as longitude

),

care_kinds as (

    select 'outpatient' as care_kind, 'Ngoại trú' as care_name
    union all
    select 'inpatient' as care_kind, 'Nội trú' as care_name

),

months as (

    {{ months_to_now('select ' ~ month_of('first_claims_date') ~ ' as local_date from messages') }}

),

facility_months as (

    select messages.facility_code, months.month_date
    from messages
    inner join months on {{ is_reached_month('months.month_date') }}

),

reported_months as (

    select month_date, count(*) as reported_facilities
    from facility_months
    group by month_date

),

counted as (

    select
        claims.month_date,
        claims.care_kind,
        coalesce(communes.commune_code, case when claims.commune_code is null then 'unknown' else 'outside' end) as commune_code,
        count(*) as visits,
        count(distinct claims.patient_id) as patients
    from claims
    inner join facility_months
        on claims.facility_code = facility_months.facility_code and claims.month_date = facility_months.month_date
    left join communes on claims.commune_code = communes.commune_code
    group by
        claims.month_date,
        claims.care_kind,
        coalesce(communes.commune_code, case when claims.commune_code is null then 'unknown' else 'outside' end)

),

cells as (

    select
        places.commune_code,
        places.commune_name,
        places.latitude,
        places.longitude,
        reported_months.month_date,
        reported_months.reported_facilities,
        care_kinds.care_kind,
        care_kinds.care_name,
        coalesce(counted.visits, 0) as visits,
        coalesce(counted.patients, 0) as patients
    from places
    cross join reported_months
    cross join care_kinds
    left join counted
        on places.commune_code = counted.commune_code
        and reported_months.month_date = counted.month_date
        and care_kinds.care_kind = counted.care_kind

),

judged as (

    select
        *,
        {{ is_small_cell('patients', 'month_date, care_kind', 'commune_code') }}
        or sum(patients) over (partition by month_date, care_kind) between 1 and {{ var('least_cell') }} - 1 as is_small_cell
    from cells

),

final as (

    select
        commune_code,
        commune_name,
        latitude,
        longitude,
        month_date,
        month_date = max(month_date) over () as is_latest,
        care_kind,
        care_name,
        reported_facilities,
        is_small_cell,
        case when not is_small_cell then visits end as visits,
        case when not is_small_cell then patients end as patients
    from judged

)

select * from final
