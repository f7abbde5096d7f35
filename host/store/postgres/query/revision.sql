-- name: GetRevision :one
select value
from revisions
where account_id = '';

-- name: RaiseRevision :one
-- First in its transaction: writers of configuration queue at this row, so that
-- none can deadlock with another and revisions are seen in the order of commits.
update revisions
set value = value + 1
where account_id = ''
returning value;

-- name: NotifyRevision :exec
-- Delivered when the transaction commits, and not at all when it does not. Channels
-- belong to the whole database, so the payload says whose revision it is.
select pg_notify('pointsman_revision', current_schema() || ' ' || sqlc.arg(revision)::bigint);

-- name: GetSetting :one
select value
from settings
where account_id = ''
  and name = @name;

-- name: PutSetting :exec
insert into settings (account_id, name, value)
values ('', @name, @value)
on conflict (account_id, name) do update
set value = excluded.value;

-- name: AddChange :exec
-- A row that is there is of a history that somebody went back from by setting revisions alone.
insert into changes (account_id, revision, area, subject, write)
values (@account_id, @revision, @area, @subject, @write)
on conflict (account_id, revision) do update
set area = excluded.area, subject = excluded.subject, write = excluded.write;

-- name: DropChanges :exec
delete from changes
where revision <= @upto;

-- name: ListChanges :many
select account_id, revision, area, subject, write
from changes
where revision between @since and @upto
order by revision
limit @size;
