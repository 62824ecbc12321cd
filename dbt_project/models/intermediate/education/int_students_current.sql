{{ config(materialized='table') }}

-- What each school says of each pupil: a pupil who moved stands in the lists of two schools. Built anew each time: a few thousand rows a
-- school year. Who is not in the newest list of the school has ended there: nobody knows what became of such a pupil.
with final as (

    {{ newest_versions_listed(
        ref('stg_education__students'), 'pupil_record_key', 'exported_at',
        ref('stg_education__students_lists'), ['school_year', 'school_code'], 'student_id'
    ) }}

)

select * from final
