-- What is to be done about events. They are few, and all in memory.
create table event_handler (
  name text primary key,
  document text not null
);
