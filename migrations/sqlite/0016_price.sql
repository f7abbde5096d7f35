-- +goose Up

-- reasoning: of output, per million tokens; null: as output. The other two are nano-USD for
-- one request, and for each image in it.
alter table prices add column reasoning integer check (reasoning >= 0);
alter table prices add column per_request integer not null default 0 check (per_request >= 0);
alter table prices add column per_image integer not null default 0 check (per_image >= 0);
