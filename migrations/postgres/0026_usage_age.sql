-- +goose Up

-- Only SQLite had an index for the age of rows: here a day is a partition.
select 1;
