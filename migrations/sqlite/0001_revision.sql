-- +goose Up

-- One row per installation: what every process watches. A transaction that writes
-- configuration raises it first, which also puts such transactions in a queue.
create table revisions (
    account_id text    not null,
    value      integer not null,
    primary key (account_id)
) strict;

insert into revisions (account_id, value) values ('', 0);

create table settings (
    account_id text not null,
    name       text not null,
    value      text not null,
    primary key (account_id, name)
) strict;
