-- Built anew each time: small (facilities times a month of days), and a late claim changes days long past.
with claims as (

    select * from {{ ref('int_health_claims_current') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

communes as (

    select * from {{ ref('communes') }}

),

days as (

    {{ days_from_to(newest_local_day() ~ " - interval '" ~ var('facility_days_shown') ~ " days'", newest_local_day()) }}

),

admissions as (

    select
        facility_code,
        admitted_date as local_date,
        count(*) as visits,
        count(*) filter (where is_inpatient) as admissions
    from claims
    group by facility_code, admitted_date

),

discharges as (

    select
        facility_code,
        discharged_date as local_date,
        count(*) as discharges,
        sum(treatment_days) as treatment_days,
        count(*) filter (where discharge_code in ('2', '5')) as transfers_out,
        count(*) filter (where outcome_code = '5') as deaths
    from claims
    where is_inpatient
    group by facility_code, discharged_date

),

-- Each outcome and its complement are the two cells of the day's discharges.
outcome_cells as (

    select facility_code, local_date, 'transfers' as outcome, 'a' as cell, transfers_out as persons from discharges
    union all
    select facility_code, local_date, 'transfers' as outcome, 'b' as cell, discharges - transfers_out as persons
    from discharges
    union all
    select facility_code, local_date, 'deaths' as outcome, 'a' as cell, deaths as persons from discharges
    union all
    select facility_code, local_date, 'deaths' as outcome, 'b' as cell, discharges - deaths as persons from discharges

),

hidden_cells as (

    select *, {{ is_small_cell('persons', 'facility_code, local_date, outcome', 'cell') }} as is_hidden
    from outcome_cells

),

shown as (

    select
        facility_code,
        local_date,
        max(persons) filter (where outcome = 'transfers' and cell = 'a' and not is_hidden) as transfers_out,
        max(persons) filter (where outcome = 'deaths' and cell = 'a' and not is_hidden) as deaths
    from hidden_cells
    group by facility_code, local_date

),

beds_in_use as (

    select
        claims.facility_code,
        days.local_date,
        count(*) as inpatients
    from claims
    inner join days
        on claims.admitted_date <= days.local_date
        and claims.discharged_date > days.local_date
    where claims.visit_type_code = '{{ var("bed_visit_type") }}'
    group by claims.facility_code, days.local_date

),

measured as (

    select
        facilities.facility_code,
        facilities.facility_name,
        facilities.commune_code,
        communes.latitude,
        communes.longitude,
        facilities.beds,
        days.local_date,
        days.local_date = max(days.local_date) over () as is_latest,
        coalesce(admissions.visits, 0) as visits,
        coalesce(admissions.admissions, 0) as admissions,
        coalesce(discharges.discharges, 0) as discharges,
        cast(coalesce(discharges.treatment_days, 0) as bigint) as treatment_days,
        round(discharges.treatment_days / discharges.discharges, 6) as mean_stay_days,
        coalesce(beds_in_use.inpatients, 0) as inpatients,
        round(100.0 * coalesce(beds_in_use.inpatients, 0) / nullif(facilities.beds, 0), 6) as bed_occupancy_percent,
        case when discharges.discharges is null then 0 else shown.transfers_out end as transfers_out,
        case when discharges.discharges is null then 0 else shown.deaths end as deaths
    from facilities
    cross join days
    left join communes on facilities.commune_code = communes.commune_code
    left join admissions
        on facilities.facility_code = admissions.facility_code and days.local_date = admissions.local_date
    left join discharges
        on facilities.facility_code = discharges.facility_code and days.local_date = discharges.local_date
    left join shown
        on facilities.facility_code = shown.facility_code and days.local_date = shown.local_date
    left join beds_in_use
        on facilities.facility_code = beds_in_use.facility_code and days.local_date = beds_in_use.local_date

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
    from measured

)

select * from final
