-- +goose Up

-- How many images a request had: what a price for images is a price of. Rows of before have
-- none. Null where there are none.
alter table usage add column images integer;
