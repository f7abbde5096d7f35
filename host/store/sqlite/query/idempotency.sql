-- name: ClaimIdempotencyKey :execrows
insert into idempotency_keys (
    account_id, digest, fingerprint, claim_id, request_id, state, seal_key, sealed, size, created_at, lease_until
) values (
    @account_id, @digest, @fingerprint, @claim_id, @request_id, 'claimed', '', @sealed, 0, @created_at, @lease_until
)
on conflict (account_id, digest) do nothing;

-- name: ForgetIdempotencyKey :exec
-- A row whose day is over is nobody's.
delete from idempotency_keys
where account_id = @account_id
  and digest = @digest
  and created_at <= @expired;

-- name: GetIdempotencyKey :one
select account_id, digest, fingerprint, claim_id, request_id, state, seal_key, sealed, created_at, lease_until
from idempotency_keys
where account_id = @account_id
  and digest = @digest;

-- name: RetakeIdempotencyKey :execrows
update idempotency_keys
set claim_id    = @claim_id,
    request_id  = @request_id,
    created_at  = @created_at,
    lease_until = @lease_until
where account_id = @account_id
  and digest = @digest
  and claim_id = @was
  and state = 'claimed';

-- name: EndIdempotencyKey :execrows
update idempotency_keys
set state    = @state,
    seal_key = @seal_key,
    sealed   = @sealed,
    size     = @size
where account_id = @account_id
  and digest = @digest
  and claim_id = @claim_id
  and state = 'claimed';

-- name: ReleaseIdempotencyKey :execrows
delete from idempotency_keys
where account_id = @account_id
  and digest = @digest
  and claim_id = @claim_id
  and state = 'claimed';

-- name: CountIdempotencyKeys :one
select count(*) as keys, cast(coalesce(sum(size), 0) as integer) as bytes
from idempotency_keys
where account_id = @account_id;

-- name: DropIdempotencyKeys :execrows
delete from idempotency_keys
where (idempotency_keys.account_id, idempotency_keys.digest) in (
    select old.account_id, old.digest
    from idempotency_keys old
    where old.created_at <= @before
    limit @max_rows
  );
