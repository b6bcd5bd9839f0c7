// What a failure of a database connection says, and how to mend it. Must never print more than the failure's own words.

export interface DatabaseFault {
  readonly reason: string;
  readonly fix: string;
}

const START_IT = 'Start Postgres, or correct --database (CONDUCTOR_DATABASE).';
const CREDENTIALS = 'Correct the user name and the password in CONDUCTOR_DATABASE.';

/** By the codes of Node and of Postgres. */
const FIXES: Readonly<Record<string, string>> = {
  ECONNREFUSED: `Nothing listens there. ${START_IT}`,
  ECONNRESET: 'It hung up. Look whether it wants or refuses TLS (?sslmode=…).',
  ENOTFOUND: 'The host name is not known here. Correct --database (CONDUCTOR_DATABASE).',
  EAI_AGAIN: 'The host name could not be looked up just now. Try again, or look at the name server.',
  ETIMEDOUT: 'Nobody answers there. Look at the address, and at the firewall between.',
  ENOENT: `There is no such socket. ${START_IT}`,
  '25006':
    'It is a standby, or default_transaction_read_only is on: CONDUCTOR_DATABASE must lead to one that takes writes.',
  '28P01': CREDENTIALS,
  '28000': CREDENTIALS,
  '3D000': 'Make the database first: createdb <name>.',
  '42501': 'Grant the user the right to create tables in its schema, or let the owner start the server once.',
  '53300': 'It has no connection left. Lower --database-pool, or raise max_connections.',
  '57P03': 'It is starting or stopping. Try again.',
};

const OTHERWISE = '`conductor doctor` looks closer.';

/** Reads an error down its causes: the first code that is known says what to do, the last message what happened. */
export function databaseFault(error: unknown): DatabaseFault {
  let reason = '';
  let fix = OTHERWISE;
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    reason = messageOf(at) || reason;
    const code = 'code' in at ? String(at.code) : '';
    if (fix === OTHERWISE) fix = FIXES[code] ?? fixOf(at.message) ?? OTHERWISE;
  }
  return { reason: reason.replace(/\.$/, '') || String(error), fix };
}

/** Failures that come without a code. */
function fixOf(message: string): string | undefined {
  if (/timeout|timed out/i.test(message)) return FIXES.ETIMEDOUT;
  if (/SSL|certificate/i.test(message)) return 'Look at the sslmode of the URL, and at the certificate.';
  return undefined;
}

/** A host with several addresses fails with one error for each, and none of its own. */
function messageOf(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  return error.message || error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join('; ');
}
