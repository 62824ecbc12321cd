{# A table of a model, its columns held to what its yml promises. dbt-trino would declare the promised types as they are written there, in which a
   timestamp has milliseconds only; the columns keep the types of the query, and each must be Trino's name of what is promised. #}
{% macro trino__create_table_as(temporary, relation, sql, on_exists=none) -%}
    {%- if config.get('contract').enforced and not temporary %}{{ columns_are_as_promised(sql) }}{% endif -%}
    create {{ 'or replace ' if on_exists == 'replace' }}table {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}

{% macro columns_are_as_promised(sql) -%}
    {%- set names = {
        'timestamp with time zone': ['timestamp(6) with time zone'],
        'timestamp': ['timestamp(6)'],
        'ubigint': ['decimal(20,0)'],
        'hugeint': ['decimal(38,0)', 'bigint'],
        'json': ['varchar'],
    } -%}
    {%- set promised = {} -%}
    {%- for column in model.columns.values() -%}
        {%- set type = column.data_type | lower -%}
        {%- set element = type.removesuffix('[]') -%}
        {%- set allowed = names.get(element, [element]) -%}
        {%- do promised.update({column.name: allowed if element == type else ['array(' ~ allowed[0] ~ ')']}) -%}
    {%- endfor -%}
    {%- set wrong = [] -%}
    {%- set found = adapter.get_column_schema_from_query(get_empty_subquery_sql(sql)) | map(attribute='name') | list -%}
    {%- for name in found if name not in promised -%}
        {%- do wrong.append(name ~ ': expected a column of the contract, got one that it does not name') -%}
    {%- endfor -%}
    {%- for name in promised if name not in found -%}
        {%- do wrong.append(name ~ ': expected by the contract, got no such column') -%}
    {%- endfor -%}
    {%- set named = [] -%}
    {%- for name in promised if name in found -%}
        {%- do named.append("typeof(of_query." ~ name ~ ") as " ~ name) -%}
    {%- endfor -%}
    {#- The server tells no precision with the names of types; one row without a match has them whole, and no row of the query is read for it. -#}
    {%- set types = run_query('select ' ~ named | join(', ') ~ ' from (values 1) as one left join (' ~ sql ~ ') as of_query on false') -%}
    {%- for name in promised if name in found -%}
        {%- set type = types.columns[name].values()[0] -%}
        {%- set type = 'varchar' if type.startswith('varchar') else type -%}
        {%- if type not in promised[name] -%}
            {%- do wrong.append(name ~ ': expected ' ~ promised[name] | join(' or ') ~ ', got ' ~ type) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if wrong -%}{{ exceptions.raise_compiler_error(model.name ~ ': ' ~ wrong | join('; ')) }}{%- endif -%}
{%- endmacro %}
