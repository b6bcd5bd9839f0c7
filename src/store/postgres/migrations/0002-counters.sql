-- Requests counted per window, and signatures that were used: short-lived numbers that all processes share.
create table counter (
  name text primary key,
  expires_ms bigint not null,
  count bigint not null
) with (fillfactor = 70);
create index counter_expires on counter (expires_ms);
