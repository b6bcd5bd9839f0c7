// What differs between databases that speak Postgres's protocol, as one table: each answer with its reason. The
// adapter obeys it and asks nobody else; there is no other place that names a database.

export type ProfileName = 'postgres' | 'cockroach' | 'yugabyte';

export interface Capability<Value = boolean> {
  readonly value: Value;
  readonly reason: string;
}

export interface Profile {
  /** Locks rows that are free and passes over the others. Without it one busy row makes the whole request busy. */
  readonly skipLocked: Capability;
  /** Finds ready tasks and locks their runs in one statement. Without it: in two. */
  readonly locksInJoin: Capability;
  /** Wakes pollers of other processes. Without it they find ready tasks at their next look. */
  readonly listenNotify: Capability;
  /** One migrating process at a time by a lock that needs no table. Without it: by a row. */
  readonly advisoryLocks: Capability;
  readonly isolation: Capability<'read committed' | 'serializable'>;
  /** Gives up a connection whose other end takes no more: no timeout of a statement ends a wait to send. */
  readonly sendTimeout: Capability;
  /** Whether the planner is told that an index is there to be used. */
  readonly plannerSettings: Capability;
}

const yes = (reason: string) => ({ value: true, reason });
const no = (reason: string) => ({ value: false, reason });

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  postgres: {
    skipLocked: yes('Since 9.5.'),
    locksInJoin: yes('A row is locked in its newest version, also inside a lateral join.'),
    listenNotify: yes('Built in; a transaction-pooling proxy in between needs a direct URL for the listener.'),
    advisoryLocks: yes('Built in, also behind a transaction-pooling proxy, because they end with the transaction.'),
    isolation: {
      value: 'read committed',
      reason: 'Each statement sees what was committed before it: what is read after a lock is what the lock protects.',
    },
    sendTimeout: yes('Since 12. Without effect over a Unix socket, and where the system of the server lacks it.'),
    plannerSettings: yes(
      'A prepared plan may date from when the tables were empty; it must have used the indexes then.',
    ),
  },
  cockroach: {
    skipLocked: yes('Since 22.2; it may pass over a row that is free, which then is looked at again a round later.'),
    locksInJoin: no('Has not been tried there.'),
    listenNotify: no('LISTEN is refused, and nothing reaches another node.'),
    advisoryLocks: no('The functions exist for compatibility and lock nothing.'),
    isolation: {
      value: 'serializable',
      reason: 'The only level that every cluster has; what another round changed in between ends as error 40001.',
    },
    sendTimeout: no('Has not been tried there.'),
    plannerSettings: no('Its planner has no such settings; it keeps statistics by itself.'),
  },
  yugabyte: {
    skipLocked: yes('Since 2.12, below serializable only.'),
    locksInJoin: no('Has not been tried there.'),
    listenNotify: no('Missing in the versions in use.'),
    advisoryLocks: no('Missing before 2025.1.'),
    isolation: {
      value: 'read committed',
      reason:
        'Must be switched on (yb_enable_read_committed_isolation): a key of a start is a lock that nobody writes to.',
    },
    sendTimeout: no('Has not been tried there.'),
    plannerSettings: no('The settings are accepted, but they steer a planner that weighs remote reads by other rules.'),
  },
};

/** By what `select version()` says. */
export function profileOf(version: string): ProfileName {
  if (/cockroach/i.test(version)) return 'cockroach';
  return /-YB-|yugabyte/i.test(version) ? 'yugabyte' : 'postgres';
}

/**
 * For a round, whose lists of keys need no other join to tables than by index. A round that is not heard of for so long
 * holds its locks no longer: a process that was suspended in the middle of one must not keep others from its runs.
 */
export function roundSettingsOf(profile: Profile, timeoutMs: number): readonly string[] {
  return [
    `statement_timeout = ${timeoutMs}`,
    `idle_in_transaction_session_timeout = ${timeoutMs}`,
    ...(profile.sendTimeout.value ? [`tcp_user_timeout = ${timeoutMs + SEND_GRACE_MS}`] : []),
    ...(profile.plannerSettings.value ? PLANNER_SETTINGS : []),
  ];
}

/** The statement's own timeout comes first where it can. */
const SEND_GRACE_MS = 1000;

/** No statement is better off with a plan of its own for each call, and none reads a table from end to end. */
const PLANNER_SETTINGS = [
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
  'jit = off',
  'plan_cache_mode = force_generic_plan',
];
