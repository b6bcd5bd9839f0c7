-- The nouns are those of the embedded store: what is searched or joined on is a column, the rest is one JSON text.
-- What differs: queues, timers and limits are found here and not in memory, and `revision` says what another process
-- has changed since. Statements, not types, keep JSON: text is neither parsed nor reordered.

create table stamp (
  id integer primary key check (id = 1),
  definitions bigint not null,
  api_keys bigint not null,
  vendor_secrets bigint not null
);
insert into stamp values (1, 0, 0, 0);

-- Integer keys come in blocks, so that no insert waits for them.
create sequence run_block;
create sequence task_block;
create sequence charge_block;
create sequence signal_block;

create table snapshot (
  id text primary key,
  document text not null
);

create table run (
  row_id bigint primary key,
  id text not null unique,
  name text not null,
  version bigint not null,
  correlation_id text,
  idempotency_key text,
  priority integer not null, -- beside the one in `details`: whoever adds a task needs it without reading documents
  created_ms bigint not null,
  status text not null,
  revision bigint not null,
  due_ms bigint not null, -- 0 once it is over
  ended_ms bigint not null, -- 0 if and only if it is not over
  details text not null,
  state text not null,
  input text not null,
  variables text not null,
  output text not null
) with (fillfactor = 70);
-- Callers choose these texts, and an index holds at most 2.7 kB: queries ask for the first 200 characters as well.
create index run_correlation on run (left(correlation_id, 200)) where correlation_id is not null;
create index run_idempotency on run (left(idempotency_key, 200)) where idempotency_key is not null;
create index run_open on run (left(name, 200), created_ms) where ended_ms = 0;
create index run_open_row on run (row_id) where ended_ms = 0;
create index run_ended on run (ended_ms) where ended_ms > 0;
create index run_due on run (due_ms) where due_ms > 0;

create table task (
  row_id bigint primary key,
  id text not null unique,
  run_row_id bigint not null,
  seq bigint not null,
  revision bigint not null, -- that of its run when it was last written
  status text not null,
  def_name text not null, -- this and `queue_key` shortened where they are very long, so that an index can hold them
  queue_key text, -- null: not to be handed out
  priority integer not null,
  ready_ms bigint not null,
  due_ms bigint not null, -- 0 once it is over
  worker_id text,
  details text not null,
  state text not null,
  input text not null,
  fragment text,
  output text not null
) with (fillfactor = 70);
create index task_run on task (run_row_id, revision);
create index task_ready on task (queue_key, priority desc, ready_ms, row_id) where queue_key is not null;
create index task_due on task (due_ms) where due_ms > 0;
create index task_in_progress on task (def_name) where status = 'IN_PROGRESS';
create index task_at_server on task (worker_id) where status = 'IN_PROGRESS' and worker_id like 'server:%';

-- One start with an idempotency key at a time for each slot its hash falls in.
create table start_lock (slot integer primary key);
insert into start_lock select generate_series(0, 1023);

create table signal (
  row_id bigint primary key,
  run_row_id bigint not null,
  created_ms bigint not null,
  document text not null
);
create index signal_created on signal (created_ms);

create table task_limit (
  def_name text primary key,
  handed_out_ms bigint[] not null
);

-- What every process must go by alike; the first writer decides.
create table agreement (
  name text primary key,
  value text not null
);

create table process (
  id text primary key,
  alive_at timestamptz not null -- by the database's clock
);

create table task_log (
  row_id bigint generated always as identity primary key,
  task_id text not null,
  created_ms bigint not null,
  log text not null
);
create index task_log_task on task_log (task_id, row_id);

create table poll (
  queue_name text not null,
  domain text not null,
  worker_id text not null,
  last_poll_ms bigint not null,
  primary key (queue_name, domain, worker_id)
);

create table history_read (
  row_id bigint generated always as identity primary key,
  run_id text not null,
  document text not null
);
create index history_read_run on history_read (run_id, row_id);

create table definition (
  name text not null,
  version bigint not null,
  document text not null,
  primary key (name, version)
);

create table task_definition (
  name text primary key,
  document text not null
);

create table api_key (
  id text primary key,
  document text not null
);

create table vendor_secret (
  id text primary key,
  document text not null
);

-- `revoked_ms` and `expires_ms` are the columns' truth, not the document's.
create table vault_key (
  id text primary key,
  vendor text not null,
  run_id text,
  run_label text,
  created_ms bigint not null,
  expires_ms bigint not null,
  revoked_ms bigint not null,
  revision bigint not null,
  document text not null
) with (fillfactor = 70);
create index vault_key_created on vault_key (created_ms);
create index vault_key_live on vault_key (expires_ms) where revoked_ms = 0;
create index vault_key_revoked on vault_key (revoked_ms) where revoked_ms > 0;
create index vault_key_label on vault_key (run_label) where run_label is not null;
create index vault_key_run on vault_key (run_id) where run_id is not null and revoked_ms = 0;

create table charge (
  row_id bigint primary key,
  key_id text not null,
  revision bigint not null,
  state text not null,
  reserved_ms bigint not null,
  document text not null
);
create index charge_key on charge (key_id, reserved_ms);
create index charge_revision on charge (key_id, revision);
create index charge_open on charge (key_id) where state in ('reserved', 'uncertain');

create table audit (
  id bigint generated always as identity primary key,
  at_ms bigint not null,
  run_id text,
  key_id text,
  verdict text not null,
  ref text,
  vendor text not null,
  currency text,
  cost_micros bigint not null,
  vendor_object_id text,
  document text not null
);
create index audit_at on audit (at_ms);
create index audit_run on audit (run_id, id) where run_id is not null;
create index audit_key on audit (key_id, id) where key_id is not null;
create index audit_refused on audit (verdict, id) where verdict <> 'allowed';
