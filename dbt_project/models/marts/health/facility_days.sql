-- Built anew each time: small (facilities times a month of days), and a late claim changes days long past.
-- Outcomes and lengths of stays are in `stay_months`: of one day they would be those of single persons.
with visits as (

    select * from {{ ref('int_health_visits') }}

),

messages as (

    select * from {{ ref('int_health_facility_messages') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

communes as (

    select * from {{ ref('communes') }}

),

days as (

    {{ days_from_to(newest_local_day() ~ " - interval '" ~ var('facility_days_shown') ~ "' day", newest_local_day()) }}

),

arrivals as (

    select
        facility_code,
        came_date as local_date,
        count(*) as visits,
        count(*) filter (where not is_inpatient and visit_type_code is not null) as outpatient_visits,
        count(*) filter (where is_inpatient) as admissions
    from visits
    group by facility_code, came_date

),

discharges as (

    select
        facility_code,
        discharged_date as local_date,
        count(*) as discharges
    from visits
    where is_inpatient
    group by facility_code, discharged_date

),

beds_in_use as (

    select
        visits.facility_code,
        days.local_date,
        count(*) as inpatients
    from visits
    inner join days on days.local_date between visits.came_date and visits.last_bed_date
    group by visits.facility_code, days.local_date

),

-- A stay is known once it has ended, or from its check-in: a day's beds are known when every stay that filled one had time to end and be
-- claimed, or when the facility has been checking stays in for that long before the day.
facility_days as (

    select
        facilities.facility_code,
        facilities.facility_name,
        facilities.commune_code,
        facilities.beds,
        days.local_date,
        coalesce(days.local_date between messages.first_came_date and messages.last_claims_date, false) as is_reported,
        coalesce(
            facilities.beds = 0
            or days.local_date <= {{ days_after('messages.last_claims_date', -var('claim_lag_days')) }}
            or messages.first_bed_check_in_date <= {{ days_after('days.local_date', -var('claim_lag_days')) }},
            false
        ) as are_stays_known
    from facilities
    cross join days
    left join messages on facilities.facility_code = messages.facility_code

),

measured as (

    select
        facility_days.facility_code,
        facility_days.facility_name,
        facility_days.commune_code,
        communes.latitude,
        communes.longitude,
        facility_days.beds,
        facility_days.local_date,
        facility_days.local_date = max(facility_days.local_date) over () as is_latest,
        facility_days.is_reported,
        case when facility_days.is_reported then coalesce(arrivals.visits, 0) end as visits,
        case when facility_days.is_reported then coalesce(arrivals.outpatient_visits, 0) end as outpatient_visits,
        case when facility_days.is_reported and facility_days.are_stays_known then coalesce(arrivals.admissions, 0) end as admissions,
        case when facility_days.is_reported then coalesce(discharges.discharges, 0) end as discharges,
        case when facility_days.is_reported and facility_days.are_stays_known then coalesce(beds_in_use.inpatients, 0) end as inpatients
    from facility_days
    left join communes on facility_days.commune_code = communes.commune_code
    left join arrivals
        on facility_days.facility_code = arrivals.facility_code and facility_days.local_date = arrivals.local_date
    left join discharges
        on facility_days.facility_code = discharges.facility_code and facility_days.local_date = discharges.local_date
    left join beds_in_use
        on facility_days.facility_code = beds_in_use.facility_code and facility_days.local_date = beds_in_use.local_date

),

rated as (

    select *, round(100e0 * inpatients / nullif(beds, 0), 6) as bed_occupancy_percent
    from measured

),

final as (

    select
        *,
        case
            when bed_occupancy_percent is null then null
            when bed_occupancy_percent > {{ var('bed_occupancy_red_above') }} then 'red'
            when bed_occupancy_percent > {{ var('bed_occupancy_yellow_above') }} then 'yellow'
            when bed_occupancy_percent >= {{ var('bed_occupancy_green_from') }} then 'green'
            else 'low'
        end as bed_occupancy_level
    from rated

)

select * from final
