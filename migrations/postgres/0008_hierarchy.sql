-- +goose Up

-- search_text: id and name, folded as host/store/row does, for the search of lists.

alter table accounts add column updated_at timestamptz;
alter table accounts add column suspended_at timestamptz;
alter table accounts add column deleted_at timestamptz; -- the row stays, for its ledger
alter table accounts add column search_text text collate "C" not null default '';
update accounts set updated_at = created_at, search_text = lower(account_id || E'\n' || name);
alter table accounts alter column updated_at set not null;

create table teams (
    account_id  text collate "C" not null references accounts (account_id),
    id          text collate "C" not null,
    name        text             not null,
    created_at  timestamptz      not null,
    updated_at  timestamptz      not null,
    deleted_at  timestamptz,
    search_text text collate "C" not null,
    primary key (account_id, id)
);

-- Users could name a team before there were teams.
insert into teams (account_id, id, name, created_at, updated_at, search_text)
select account_id, team_id, team_id, min(created_at), min(created_at), lower(team_id || E'\n' || team_id)
from users
where team_id <> ''
group by account_id, team_id;

alter table users add column updated_at timestamptz;
alter table users add column suspended_at timestamptz;
alter table users add column deleted_at timestamptz;
alter table users add column search_text text collate "C" not null default '';
update users set updated_at = created_at, search_text = lower(id || E'\n' || name);
alter table users alter column updated_at set not null;

-- A column's default must never open anything: only keys of before get every scope.
alter table keys add column scopes jsonb not null default '[]';
alter table keys add column rotated_to text collate "C" not null default ''; -- id of the key that takes its place
alter table keys add column updated_at timestamptz;
alter table keys add column search_text text collate "C" not null default '';
alter table keys add column role text not null default 'user'; -- the highest that it gives
update keys
set scopes = '["inference", "read", "manage"]', updated_at = created_at, search_text = lower(id || E'\n' || name);
update keys set role = users.role from users where users.account_id = keys.account_id and users.id = keys.user_id;
alter table keys alter column updated_at set not null;
alter table keys add check (scopes <> '[]');
