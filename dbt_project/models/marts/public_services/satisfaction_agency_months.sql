-- A rating counts in the month in which it was given last. What fewer than five people said of an office that they depend on is not shown, nor
-- how many they were; nothing here adds up the agencies, so that no total tells what is hidden.
with ratings as (

    select *, {{ month_of(local_date('rated_at')) }} as month_date from {{ ref('int_public_services__ratings_current') }}

),

agencies as (

    select * from {{ ref('agencies') }}

),

months as (

    {{ months_to_now('select month_date as local_date from ratings') }}

),

counted as (

    select
        agency_code,
        month_date,
        count(*) as rated_dossiers,
        count(*) filter (where rating >= {{ var('services_satisfied_from_rating') }}) as satisfied_dossiers
    from ratings
    group by agency_code, month_date

),

newest as (

    select month_date, max(rated_at) as newest_rating_at
    from ratings
    group by month_date

),

listed as (

    select
        agencies.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        months.month_date,
        months.month_date = {{ month_of(local_date(clock())) }} as is_latest,
        coalesce(counted.rated_dossiers, 0) as rated_dossiers,
        coalesce(counted.satisfied_dossiers, 0) as satisfied_dossiers,
        coalesce(counted.rated_dossiers between 1 and {{ var('least_cell') }} - 1, false) as is_small_cell,
        newest.newest_rating_at
    from agencies
    cross join months
    left join counted
        on agencies.agency_code = counted.agency_code
        and months.month_date = counted.month_date
    left join newest
        on months.month_date = newest.month_date

),

final as (

    select
        agency_code,
        agency_name,
        agency_group,
        month_date,
        is_latest,
        case when not is_small_cell then rated_dossiers end as rated_dossiers,
        case when not is_small_cell then satisfied_dossiers end as satisfied_dossiers,
        case when not is_small_cell then 100e0 * satisfied_dossiers / nullif(rated_dossiers, 0) end as satisfied_percent,
        is_small_cell,
        case
            when is_small_cell then 'Dưới {{ var("least_cell") }} đánh giá, không hiển thị'
            when rated_dossiers = 0 then 'Chưa có đánh giá nào trong tháng'
        end as unknown_reason,
        newest_rating_at
    from listed

)

select * from final
