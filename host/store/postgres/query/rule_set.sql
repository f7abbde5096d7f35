-- name: ListRuleSets :many
select account_id, version, digest, rule_count, note, made_by, restores, created_at
from rule_sets
where account_id = @account_id
  and version < @before
order by version desc
limit @size::bigint;

-- name: GetRuleSet :one
select account_id, version, digest, rule_count, note, made_by, restores, created_at
from rule_sets
where account_id = @account_id
  and version = @version;

-- name: GetLastRuleSet :one
select coalesce(max(version), 0)::bigint as version
from rule_sets
where account_id = @account_id;

-- name: ListLastRuleSets :many
select account_id, max(version)::bigint as version
from rule_sets
group by account_id
order by account_id;

-- name: ListUnversionedAccounts :many
select distinct account_id
from rules
where not exists (select 1 from rule_sets where rule_sets.account_id = rules.account_id)
order by account_id;

-- name: ListAccountRules :many
select account_id, id, name, description, priority, expression, plugin, config, target, fallbacks,
       only_listed, on_failure, continue_after_cut, enabled, is_system, team_id, created_at, updated_at
from rules
where account_id = @account_id
order by priority desc, created_at, id;

-- name: AddRuleSet :exec
insert into rule_sets (account_id, version, digest, rule_count, note, made_by, restores, created_at)
values (@account_id, @version, @digest, @rule_count, @note, @made_by, @restores, @created_at);

-- name: ListRuleSetRules :many
select body
from rule_set_rules
where account_id = @account_id
  and since <= @version
  and (until is null or until > @version);

-- name: ListOpenRuleSetRules :many
select id, body
from rule_set_rules
where account_id = @account_id
  and until is null;

-- name: AddRuleSetRule :exec
insert into rule_set_rules (account_id, id, since, body)
values (@account_id, @id, @since, @body);

-- name: EndRuleSetRule :exec
update rule_set_rules
set until = @until
where account_id = @account_id
  and id = @id
  and until is null;

-- name: DropRuleSets :execrows
delete from rule_sets
where account_id = @account_id
  and version <= @upto
  and created_at < @before;

-- name: DropRuleSetRules :exec
-- What no version is left of that had it.
delete from rule_set_rules
where rule_set_rules.account_id = @account_id
  and until <= (select min(version) from rule_sets where rule_sets.account_id = @account_id);
