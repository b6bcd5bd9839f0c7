-- What is searched or joined on is a column; the rest of a noun is one JSON document, because each further column
-- costs more per written row than its bytes do. `details` never changes after the insert, `state` is written whole
-- with every change. Payloads are JSON text as it came and stand last, so that scans need not read past them.

create table snapshot (
  id text primary key,
  document text not null
) without rowid;

create table run (
  row_id integer primary key,
  id text not null,
  name text not null,
  version integer not null,
  correlation_id text,
  idempotency_key text,
  created_ms integer not null,
  status text not null,
  details text not null,
  state text not null,
  input text, -- null: large, in run_input
  variables text not null,
  output text not null
);
create unique index run_id on run (id);
create index run_correlation on run (correlation_id) where correlation_id is not null;
create index run_idempotency on run (idempotency_key) where idempotency_key is not null;
create index run_open on run (row_id, name, version, created_ms) where status in ('RUNNING', 'PAUSED');

create table task (
  row_id integer primary key,
  id text not null,
  run_row_id integer not null,
  seq integer not null,
  status text not null,
  details text not null,
  state text not null,
  input text, -- null: large, in task_input
  fragment text,
  output text not null
);
create unique index task_id on task (id);
create index task_run on task (run_row_id, seq);

-- Large inputs live apart: a row is rewritten whole by every change, and a fork of 10,000 branches changes that often.
create table run_input (
  row_id integer primary key,
  document text not null
);

create table task_input (
  row_id integer primary key,
  document text not null
);

create table task_log (
  row_id integer primary key,
  task_id text not null,
  created_ms integer not null,
  log text not null
);
create index task_log_task on task_log (task_id);

create table poll (
  queue_name text not null,
  domain text not null,
  worker_id text not null,
  last_poll_ms integer not null,
  primary key (queue_name, domain, worker_id)
) without rowid;

create table history_read (
  row_id integer primary key,
  run_id text not null,
  document text not null
);
create index history_read_run on history_read (run_id);

create table definition (
  name text not null,
  version integer not null,
  document text not null,
  primary key (name, version)
) without rowid;

create table task_definition (
  name text primary key,
  document text not null
) without rowid;

create table api_key (
  id text primary key,
  document text not null
) without rowid;

create table vendor_secret (
  id text primary key,
  document text not null
) without rowid;

create table vault_key (
  id text primary key,
  vendor text not null,
  run_label text,
  created_ms integer not null,
  expires_ms integer not null,
  revoked_ms integer not null,
  document text not null
) without rowid;
create index vault_key_live on vault_key (expires_ms) where revoked_ms = 0;
create index vault_key_label on vault_key (run_label) where run_label is not null;

create table charge (
  row_id integer primary key,
  key_id text not null,
  state text not null,
  reserved_ms integer not null,
  fingerprint text not null,
  document text not null
);
create index charge_key on charge (key_id, reserved_ms);
create index charge_fingerprint on charge (fingerprint);
create index charge_open on charge (row_id) where state in ('reserved', 'uncertain');

create table audit (
  id integer primary key,
  run_id text,
  key_id text,
  verdict text not null,
  ref text,
  vendor text not null,
  currency text,
  cost_micros integer not null,
  vendor_object_id text,
  document text not null
);
create index audit_run on audit (run_id) where run_id is not null;
create index audit_key on audit (key_id) where key_id is not null;
create index audit_refused on audit (verdict) where verdict <> 'allowed'
