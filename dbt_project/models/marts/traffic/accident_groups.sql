with accidents as (

    select
        *,
        {{ month_of(local_date('occurred_at')) }} as month_date
    from {{ ref('int_traffic__accidents_current') }}

),

communes as (

    select * from {{ ref('communes') }}

),

causes as (

    select * from {{ ref('accident_causes') }}

),

counted as (

    select
        month_date,
        commune_code,
        coalesce(cause_code, 'unknown') as cause_code,
        count(*) as accidents,
        max(updated_at) as newest_update_at
    from accidents
    group by month_date, commune_code, coalesce(cause_code, 'unknown')

),

final as (

    select
        counted.month_date,
        counted.month_date = {{ month_of(newest_local_day()) }} as is_latest,
        counted.commune_code,
        communes.commune_name,
        counted.cause_code,
        coalesce(causes.label_vi, 'Chưa xác định') as cause_name,
        counted.accidents,
        counted.newest_update_at
    from counted
    inner join communes on counted.commune_code = communes.commune_code
    left join causes on counted.cause_code = causes.cause_code

)

select * from final
