import type postgres from 'postgres'

/**
 * The schema as it is, read from the catalogue and written as SQL for people: a migration's effect is then a difference one can
 * read. Deterministic. Partitions are left out (they come with the months), and so are bodies of functions (they are in `sql/`).
 */
export async function dumpSchema(client: postgres.Sql): Promise<string> {
  const roles = await client<{ line: string }[]>`
    select format('-- role %s: %s', rolname, concat_ws(', ',
             case when rolcanlogin then 'login' else 'nologin' end,
             case when rolsuper then 'SUPERUSER' end, case when rolbypassrls then 'BYPASSRLS' end,
             case when rolcreaterole then 'CREATEROLE' end, case when rolcreatedb then 'CREATEDB' end,
             case when rolinherit then 'inherit' else 'noinherit' end)) as line
      from pg_roles where rolname like 'stipend\\_%' order by rolname`
  const schemas = await client<{ line: string }[]>`
    select format('grant %s on schema %s to %s;', string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), n.nspname,
                  a.grantee::regrole) as line
      from pg_namespace n, aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
     where n.nspname in ('app', 'public') and r.rolname like 'stipend\\_%' and a.grantee <> n.nspowner
     group by n.nspname, a.grantee order by 1`
  const functions = await client<{ line: string }[]>`
    select format('function %s(%s)%s -- %s', p.oid::regproc, pg_get_function_arguments(p.oid),
                  case when pg_get_function_result(p.oid) is null then '' else ' returns ' || pg_get_function_result(p.oid) end,
                  concat_ws(', ', l.lanname,
                    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
                    case when p.prosecdef then 'security definer' end, array_to_string(p.proconfig, ', '),
                    'owner ' || p.proowner::regrole,
                    'executed by ' || coalesce((
                      select string_agg(case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end, ', ' order by a.grantee::regrole::text)
                        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner),
                      'nobody else'))) as line
      from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace in ('app'::regnamespace, 'public'::regnamespace)
     order by p.oid::regprocedure::text`
  const tables = await client<{ oid: number; name: string; parts: string | null; rls: boolean; forced: boolean }[]>`
    select c.oid::int, c.oid::regclass::text as name, pg_get_partkeydef(c.oid) as parts, c.relrowsecurity as rls,
           c.relforcerowsecurity as forced
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
     order by c.relname`

  const sections = [
    '-- The schema after all migrations and repeatable SQL. Written by `node packages/db/src/write-schema.ts`, never by hand.',
    lines(roles),
    lines(schemas),
    lines(functions),
  ]
  for (const table of tables) sections.push(await dumpTable(client, table))
  return `${sections.join('\n\n')}\n`
}

async function dumpTable(
  client: postgres.Sql,
  table: { oid: number; name: string; parts: string | null; rls: boolean; forced: boolean },
): Promise<string> {
  const columns = await client<{ line: string }[]>`
    select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
                     'default ' || pg_get_expr(d.adbin, d.adrelid)) as line
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = ${table.oid} and a.attnum > 0 and not a.attisdropped order by a.attnum`
  const constraints = await client<{ line: string }[]>`
    select format('constraint %I %s', conname, pg_get_constraintdef(oid)) as line from pg_constraint
     where conrelid = ${table.oid} and contype <> 'n'
     order by array_position(array['p', 'u', 'f', 'c'], contype::text), conname`
  const indexes = await client<{ line: string }[]>`
    select pg_get_indexdef(i.indexrelid) || ';' as line from pg_index i join pg_class c on c.oid = i.indexrelid
     where i.indrelid = ${table.oid} and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
     order by c.relname`
  const policies = await client<{ line: string }[]>`
    select concat_ws(' ', format('create policy %I on %s%s for %s to %s', polname, polrelid::regclass,
                       case when polpermissive then '' else ' as restrictive' end,
                       case polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
                       (select string_agg(case role when 0 then 'public' else role::regrole::text end, ', ' order by role::regrole::text) from unnest(polroles) role)),
                     'using (' || pg_get_expr(polqual, polrelid) || ')',
                     'with check (' || pg_get_expr(polwithcheck, polrelid) || ')') || ';' as line
      from pg_policy where polrelid = ${table.oid} order by polname`
  const triggers = await client<{ line: string }[]>`
    select pg_get_triggerdef(oid) || ';' as line from pg_trigger where tgrelid = ${table.oid} and not tgisinternal order by tgname`
  const grants = await client<{ line: string }[]>`
    with granted as (
      select a.privilege_type, a.grantee, null as attname from pg_class c, aclexplode(c.relacl) a
       where c.oid = ${table.oid} and a.grantee <> c.relowner
      union all
      select a.privilege_type, a.grantee, t.attname from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = ${table.oid}),
    summed as (
      select grantee, lower(privilege_type) || coalesce(' (' || string_agg(attname, ', ' order by attname) || ')', '') as what
        from granted group by grantee, privilege_type)
    select format('grant %s on %s to %s;', string_agg(what, ', ' order by what), ${table.name}::text,
                  case grantee when 0 then 'PUBLIC' else grantee::regrole::text end) as line
      from summed group by grantee order by 1`

  const inner = [...columns, ...constraints].map(({ line }) => `  ${tidy(line)}`).join(',\n')
  const security = `-- row level security: ${table.rls ? 'enabled' : 'NOT ENABLED'}${table.forced ? ', forced' : ''}`
  const after = lines([...indexes, { line: security }, ...policies, ...triggers, ...grants])
  return `create table ${table.name} (\n${inner}\n)${table.parts === null ? '' : ` partition by ${table.parts}`};\n${after}`
}

const lines = (rows: readonly { line: string }[]) => rows.map(({ line }) => tidy(line)).join('\n')
const tidy = (line: string) => line.replace(/\s+/g, ' ').replaceAll('"', '')
