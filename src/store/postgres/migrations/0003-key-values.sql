-- What agents and sessions keep by key, one set of pairs per binding. Keys as their UTF-8 bytes, so that every database
-- orders them alike.
create table key_value (
  binding text not null,
  key bytea not null,
  value text not null,
  expires_ms bigint not null, -- 0: never
  primary key (binding, key)
);
create index key_value_expires on key_value (expires_ms) where expires_ms > 0;
