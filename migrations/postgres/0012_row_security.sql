-- +goose Up

-- Puts a table behind row-level security: its owner sees all rows; the tenant role, which
-- no login is, sees those of the account in pointsman.account, none when that is empty, and
-- of a shared table also the global ones. Called by the gateway for every table that has
-- account_id, also for those of later migrations (host/store/postgres/role.go).
-- +goose StatementBegin
create function protect_rows(name text, tenant text, shared boolean, writable boolean) returns void
language plpgsql as $$
declare
    owner text;
begin
    select pg_get_userbyid(relowner) into strict owner
    from pg_class
    where oid = format('%I.%I', current_schema(), name)::regclass;
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('drop policy if exists owner on %I', name);
    execute format('drop policy if exists tenant on %I', name);
    execute format('drop policy if exists shared on %I', name);
    execute format('create policy owner on %I to %I using (true)', name, owner);
    execute format('create policy tenant on %I to %I using (account_id <> %L and account_id = current_setting(%L, true))',
        name, tenant, '', 'pointsman.account');
    if shared then
        execute format('create policy shared on %I for select to %I using (account_id = %L and current_setting(%L, true) <> %L)',
            name, tenant, '', 'pointsman.account', '');
    end if;
    execute format('revoke all on %I from %I', name, tenant);
    execute format('grant select on %I to %I', name, tenant);
    if writable then
        execute format('grant insert, update, delete on %I to %I', name, tenant);
    end if;
end
$$;
-- +goose StatementEnd
