{# A map draws every commune of the list, whether its figures are known or not, and no other. #}
{% test every_commune_is_on_the_map(model) %}
with drawn as (

    select distinct place_code as commune_code from {{ model }} where place_level = 'commune'

)

select coalesce(drawn.commune_code, communes.commune_code) as commune_code
from drawn
full outer join {{ ref('communes') }} as communes on drawn.commune_code = communes.commune_code
where drawn.commune_code is null or communes.commune_code is null
{% endtest %}
