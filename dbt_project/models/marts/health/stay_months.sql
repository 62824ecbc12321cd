-- An outcome is hidden where it, its complement or what it is a share of is fewer than five persons; the province's with it, where what it
-- holds beyond the facilities shown would be a few persons, those of a single facility or a sum that only one number in each can make.
with claims as (

    select *, cast(date_trunc('month', discharged_date) as date) as month_date
    from {{ ref('int_health_claims_current') }}
    where is_inpatient

),

facilities as (

    select * from {{ ref('facilities') }}

),

messages as (

    select * from {{ ref('int_health_facility_messages') }}

),

months as (

    select distinct {{ month_of('local_date') }} as month_date
    from ({{ days_from_to("date_trunc('year', " ~ newest_local_day() ~ ") - interval '1' year", newest_local_day()) }}) as days

),

stays as (

    select
        facility_code,
        month_date,
        count(*) as discharges,
        count(treatment_days) filter (where visit_type_code in ({{ "'" ~ var('day_counting_visit_types') | join("', '") ~ "'" }})) as counted_stays,
        sum(treatment_days) filter (
            where visit_type_code in ({{ "'" ~ var('day_counting_visit_types') | join("', '") ~ "'" }})
        ) as treatment_days,
        count(*) filter (where discharge_code in ('2', '5')) as transfers_out,
        count(*) filter (where outcome_code = '5') as deaths,
        count(*) filter (where outcome_code = '6') as dying_discharges
    from claims
    group by facility_code, month_date

),

facility_months as (

    select
        facilities.facility_code,
        facilities.facility_name,
        months.month_date,
        coalesce({{ is_reached_month('months.month_date') }}, false) as is_reported,
        coalesce(stays.discharges, 0) as discharges,
        coalesce(stays.counted_stays, 0) as counted_stays,
        coalesce(stays.treatment_days, 0) as treatment_days,
        coalesce(stays.transfers_out, 0) as transfers_out,
        coalesce(stays.deaths, 0) as deaths,
        coalesce(stays.dying_discharges, 0) as dying_discharges
    from facilities
    cross join months
    left join messages on facilities.facility_code = messages.facility_code
    left join stays
        on facilities.facility_code = stays.facility_code and months.month_date = stays.month_date

),

place_months as (

    select
        'facility' as place_level,
        facility_code as place_code,
        facility_name as place_name,
        month_date,
        is_reported,
        discharges,
        counted_stays,
        treatment_days,
        transfers_out,
        deaths,
        dying_discharges
    from facility_months
    where is_reported
    union all
    select
        'province' as place_level,
        'province' as place_code,
        'Toàn thành phố' as place_name,
        month_date,
        true as is_reported,
        sum(discharges) as discharges,
        sum(counted_stays) as counted_stays,
        sum(treatment_days) as treatment_days,
        sum(transfers_out) as transfers_out,
        sum(deaths) as deaths,
        sum(dying_discharges) as dying_discharges
    from facility_months
    where is_reported
    group by month_date

),

judged as (

    select
        *,
        counted_stays >= {{ var('least_cell') }} as is_stay_shown,
        {{ is_share_shown('transfers_out', 'discharges') }} as is_transfer_shown,
        {{ is_share_shown('deaths', 'discharges') }} as is_death_shown,
        {{ is_share_shown('dying_discharges', 'discharges') }} as is_dying_shown
    from place_months

),

hidden as (

    select
        month_date,
        count(*) filter (where not is_stay_shown and counted_stays > 0) as stay_cells,
        coalesce(sum(counted_stays) filter (where not is_stay_shown), 0) as stay_persons,
        count(*) filter (where not is_transfer_shown and discharges > 0) as transfer_cells,
        coalesce(sum({{ least_known('discharges', var('least_cell') - 1) }}) filter (where not is_transfer_shown), 0) as transfer_most,
        coalesce(sum(transfers_out) filter (where not is_transfer_shown), 0) as transfer_persons,
        coalesce(sum(discharges - transfers_out) filter (where not is_transfer_shown), 0) as transfer_others,
        count(*) filter (where not is_death_shown and discharges > 0) as death_cells,
        coalesce(sum({{ least_known('discharges', var('least_cell') - 1) }}) filter (where not is_death_shown), 0) as death_most,
        coalesce(sum(deaths) filter (where not is_death_shown), 0) as death_persons,
        coalesce(sum(discharges - deaths) filter (where not is_death_shown), 0) as death_others,
        count(*) filter (where not is_dying_shown and discharges > 0) as dying_cells,
        coalesce(sum({{ least_known('discharges', var('least_cell') - 1) }}) filter (where not is_dying_shown), 0) as dying_most,
        coalesce(sum(dying_discharges) filter (where not is_dying_shown), 0) as dying_persons,
        coalesce(sum(discharges - dying_discharges) filter (where not is_dying_shown), 0) as dying_others
    from judged
    where place_level = 'facility'
    group by month_date

),

shown as (

    select
        judged.place_level,
        judged.place_code,
        judged.place_name,
        judged.month_date,
        judged.discharges,
        judged.counted_stays,
        case
            when judged.is_stay_shown and (judged.place_level = 'facility' or {{ is_rest_hidden('stay_cells', ['stay_persons']) }})
                then judged.treatment_days
        end as treatment_days,
        case
            when
                judged.is_transfer_shown
                and (
                    judged.place_level = 'facility'
                    or {{ is_rest_hidden('transfer_cells', ['transfer_persons', 'transfer_others'], 'transfer_most') }}
                )
                then judged.transfers_out
        end as transfers_out,
        case
            when
                judged.is_death_shown
                and (
                    judged.place_level = 'facility'
                    or {{ is_rest_hidden('death_cells', ['death_persons', 'death_others'], 'death_most') }}
                )
                then judged.deaths
        end as deaths,
        case
            when
                judged.is_dying_shown
                and (judged.place_level = 'facility' or {{ is_rest_hidden('dying_cells', ['dying_persons', 'dying_others'], 'dying_most') }})
                then judged.dying_discharges
        end as dying_discharges
    from judged
    inner join hidden on judged.month_date = hidden.month_date

),

places as (

    select 'facility' as place_level, facility_code as place_code, facility_name as place_name from facilities
    union all
    select 'province' as place_level, 'province' as place_code, 'Toàn thành phố' as place_name

),

final as (

    select
        places.place_level,
        places.place_code,
        places.place_name,
        months.month_date,
        coalesce(months.month_date = max(case when shown.place_level = 'province' then months.month_date end) over (), false) as is_latest,
        cast(shown.discharges as bigint) as discharges,
        cast(shown.counted_stays as bigint) as counted_stays,
        cast(shown.treatment_days as bigint) as treatment_days,
        cast(round(1e0 * shown.treatment_days / nullif(shown.counted_stays, 0), 6) as double) as mean_stay_days,
        cast(shown.transfers_out as bigint) as transfers_out,
        cast(round(100e0 * shown.transfers_out / nullif(shown.discharges, 0), 6) as double) as transfers_out_percent,
        cast(shown.deaths as bigint) as deaths,
        cast(shown.dying_discharges as bigint) as dying_discharges,
        cast(shown.deaths + shown.dying_discharges as bigint) as deaths_and_dying,
        cast(round(100e0 * (shown.deaths + shown.dying_discharges) / nullif(shown.discharges, 0), 6) as double) as deaths_and_dying_percent
    from places
    cross join months
    left join shown on places.place_code = shown.place_code and months.month_date = shown.month_date

)

select * from final
