-- A sum has more digits than an amount may have. Every facility has every month of this year and the last up to the clock: what was settled in
-- December comes in January. A month that a facility's messages do not reach is not known, nor is what was spent up to it. What few patients cost is
-- not taken apart, and not shown: it would be told by the sum of the year, less the one before. So the next month with more patients is hidden as
-- well, and the sum is not shown in between.
with claims as (

    select * from {{ ref('int_health_claims_current') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

messages as (

    select * from {{ ref('int_health_facility_messages') }}

),

months as (

    select {{ month_of('local_date') }} as month_date, max(local_date) as last_date
    from ({{ days_from_to("date_trunc('year', " ~ newest_local_day() ~ ") - interval '1' year", newest_local_day()) }}) as days
    group by {{ month_of('local_date') }}

),

spending as (

    select
        facility_code,
        settlement_month as month_date,
        count(*) as claims,
        count(distinct patient_id) as patients,
        sum(insurer_paid_vnd) as spent_vnd,
        count(*) filter (where medicine_vnd <= total_vnd) as priced_claims,
        count(distinct patient_id) filter (where medicine_vnd <= total_vnd) as priced_patients,
        sum(total_vnd) filter (where medicine_vnd <= total_vnd) as total_vnd,
        sum(medicine_vnd) filter (where medicine_vnd <= total_vnd) as medicine_vnd
    from claims
    group by facility_code, settlement_month

),

monthly as (

    select
        facilities.facility_code,
        facilities.facility_name,
        months.month_date,
        months.last_date,
        coalesce({{ is_reached_month('months.month_date') }}, false) as is_reported,
        coalesce(spending.claims, 0) as claims,
        coalesce(spending.claims > 0 and spending.patients < {{ var('least_cell') }}, false) as is_few,
        coalesce(spending.spent_vnd, 0) as spent_vnd,
        coalesce(spending.priced_claims, 0) as priced_claims,
        case when spending.priced_patients >= {{ var('least_cell') }} then spending.total_vnd end as total_vnd,
        case when spending.priced_patients >= {{ var('least_cell') }} then spending.medicine_vnd end as medicine_vnd,
        cast(facilities.insurance_ceiling_vnd as decimal(18, 2)) as ceiling_vnd
    from facilities
    cross join months
    left join messages on facilities.facility_code = messages.facility_code
    left join spending
        on facilities.facility_code = spending.facility_code and months.month_date = spending.month_date

),

run as (

    select
        *,
        max(case when is_few then month_date end) over year_so_far as newest_few,
        max(case when claims > 0 then month_date end) over year_so_far as newest_month,
        max(case when is_few then month_date end) over year_before as few_before,
        max(case when claims > 0 then month_date end) over year_before as month_before
    from monthly
    window
        year_so_far as (partition by facility_code, extract(year from month_date) order by month_date),
        year_before as (
            partition by facility_code, extract(year from month_date)
            order by month_date
            rows between unbounded preceding and 1 preceding
        )

),

judged as (

    select
        *,
        coalesce(is_few or claims > 0 and few_before = month_before, false) as is_hidden,
        newest_few is null or newest_few < newest_month as is_year_shown
    from run

),

added_up as (

    select
        facility_code,
        facility_name,
        month_date,
        coalesce(month_date = max(case when is_reported then month_date end) over (), false) as is_latest,
        case when is_reported then claims end as claims,
        is_reported and is_hidden as is_small_cell,
        cast(case when is_reported and not is_hidden then spent_vnd end as decimal(38, 2)) as spent_vnd,
        cast(
            case when is_year_shown and bool_and(is_reported) over year_so_far then sum(spent_vnd) over year_so_far end
            as decimal(38, 2)
        ) as spent_in_year_vnd,
        case when is_reported then priced_claims end as priced_claims,
        cast(case when is_reported and not is_hidden then total_vnd end as decimal(38, 2)) as total_vnd,
        cast(case when is_reported and not is_hidden then medicine_vnd end as decimal(38, 2)) as medicine_vnd,
        ceiling_vnd,
        1e0 * extract(doy from last_date) / extract(doy from {{ date_of('extract(year from last_date)', 12, 31) }}) as year_elapsed
    from judged
    window year_so_far as (partition by facility_code, extract(year from month_date) order by month_date)

),

measured as (

    select
        *,
        cast(100 * spent_in_year_vnd as double) / nullif(ceiling_vnd, 0) as spent_percent,
        round(cast(100 * medicine_vnd as double) / nullif(total_vnd, 0), 6) as medicine_percent,
        lag(spent_in_year_vnd, 12) over (partition by facility_code order by month_date) as spent_in_last_year_vnd
    from added_up

),

paced as (

    select
        facility_code,
        facility_name,
        month_date,
        is_latest,
        claims,
        is_small_cell,
        spent_vnd,
        spent_in_year_vnd,
        priced_claims,
        total_vnd,
        medicine_vnd,
        ceiling_vnd,
        medicine_percent,
        spent_in_last_year_vnd,
        round(100e0 * year_elapsed, 6) as year_elapsed_percent,
        round(spent_percent, 6) as spent_in_year_percent,
        round(1e0 * spent_percent / year_elapsed, 6) as pace_percent
    from measured

),

final as (

    select
        *,
        case
            when pace_percent >= {{ var('insurance_pace_red_from') }} then 'red'
            when pace_percent >= {{ var('insurance_pace_yellow_from') }} then 'yellow'
            when pace_percent is not null then 'green'
        end as spend_level
    from paced

)

select * from final
