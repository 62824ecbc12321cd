-- A sum has more digits than an amount may have. Every facility has every month of the clock's year up to the clock, zeros included, so that a silent one is seen.
with claims as (

    select * from {{ ref('int_health_claims_current') }}

),

facilities as (

    select * from {{ ref('facilities') }}

),

months as (

    select distinct cast(date_trunc('month', local_date) as date) as month_date
    from ({{ days_from_to("date_trunc('year', " ~ newest_local_day() ~ ")", newest_local_day()) }}) as days

),

spending as (

    select facility_code, settlement_month as month_date, count(*) as claims, sum(insurer_paid_vnd) as spent_vnd
    from claims
    group by facility_code, settlement_month

),

monthly as (

    select
        facilities.facility_code,
        facilities.facility_name,
        months.month_date,
        months.month_date = max(months.month_date) over () as is_latest,
        coalesce(spending.claims, 0) as claims,
        cast(coalesce(spending.spent_vnd, 0) as decimal(38, 2)) as spent_vnd,
        cast(sum(coalesce(spending.spent_vnd, 0)) over (
            partition by facilities.facility_code order by months.month_date
        ) as decimal(38, 2)) as spent_in_year_vnd,
        cast(facilities.insurance_ceiling_vnd as decimal(18, 2)) as ceiling_vnd
    from facilities
    cross join months
    left join spending
        on facilities.facility_code = spending.facility_code and months.month_date = spending.month_date

),

measured as (

    select *, round(100.0 * spent_in_year_vnd / nullif(ceiling_vnd, 0), 6) as spent_in_year_percent
    from monthly

),

final as (

    select
        *,
        case
            when spent_in_year_percent >= {{ var('insurance_spend_red_from') }} then 'red'
            when spent_in_year_percent >= {{ var('insurance_spend_yellow_from') }} then 'yellow'
            when spent_in_year_percent is not null then 'green'
        end as spend_level
    from measured

)

select * from final
