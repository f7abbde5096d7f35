-- +goose Up

-- What was decided on requests. No foreign keys and no checks: a row is kept whatever has
-- become of its account. Ids that are UUIDs take 17 bytes (host/store/row/id.go). What lists
-- are narrowed by has columns, the rest is in data (engine/decision_codec.go).
create table decisions (
    at            timestamptz      not null,
    cost_nano_usd bigint           not null,
    account_id    text collate "C" not null,
    request_id    bytea            not null, -- callers may choose it: there may be several
    team_id       text             not null,
    user_id       text             not null,
    key_id        bytea            not null,
    session_id    bytea            not null,
    source        text             not null,
    model_id      text             not null, -- '': nobody served
    provider_id   text             not null,
    code          text             not null, -- '': answered
    variant       text             not null,
    data          bytea            not null,
    primary key (account_id, at, request_id)
) partition by range (at);

create index decisions_request on decisions (account_id, request_id);

-- As make_usage_day and drop_usage_days.
-- +goose StatementBegin
create function make_decision_day(day date, tenant text) returns void
language plpgsql as $$
declare
    name text := 'decisions_' || to_char(day, 'YYYYMMDD');
begin
    perform pg_advisory_xact_lock(hashtext('pointsman decision days'), hashtext(current_schema()));
    if to_regclass(format('%I.%I', current_schema(), name)) is not null then
        return;
    end if;
    execute format('create table %I (like decisions including defaults including constraints)', name);
    if tenant <> '' then
        perform protect_rows(name, tenant, false, true);
    end if;
    execute format('alter table decisions attach partition %I for values from (%L) to (%L)', name,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function drop_decision_days(before timestamptz) returns void
language plpgsql as $$
declare
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('pointsman decision days'), hashtext(current_schema()));
    for name in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('%I.decisions', current_schema())::regclass
          and to_date(right(c.relname, 8), 'YYYYMMDD') < (before at time zone 'UTC')::date
        order by c.relname
    loop
        execute format('drop table %I', name);
    end loop;
end
$$;
-- +goose StatementEnd

create table decision_settings (
    account_id text collate "C" not null, -- '': of accounts without a row
    share      bigint           not null check (share between 0 and 10000),
    keep_text  boolean          not null,
    days       bigint           not null check (days between 1 and 90),
    updated_by text             not null,
    updated_at timestamptz      not null,
    primary key (account_id)
);
