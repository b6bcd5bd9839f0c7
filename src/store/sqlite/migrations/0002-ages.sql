-- What has an age is found by it. The indexes are partial: only the end of a run and the life of a key add an entry; a
-- task, a reservation and a settlement write what they wrote before.

create index run_ended on run (json_extract(state, '$.endedMs')) where status not in ('RUNNING', 'PAUSED');
create index vault_key_revoked on vault_key (revoked_ms) where revoked_ms > 0;
create index vault_key_created on vault_key (created_ms) where revoked_ms = 0;

-- By key: whether a dead key still has an open charge must not take a look at all of its charges.
drop index charge_fingerprint; -- nobody looked there: replays are found in memory
drop index charge_open;
create index charge_open on charge (key_id) where state in ('reserved', 'uncertain')
