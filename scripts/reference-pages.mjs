// Writes docs/reference/errors.md from the error registry and docs/reference/rest.md from the routes of a built server.
// Run it after `npm run build` when a code or a route was added: a test compares the pages with the code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS } from '../dist/src/model/error.js';
import { startServer } from '../dist/src/runtime/node/start-server.js';

const rows = Object.entries(ERRORS).map(
  ([code, { status, retryable, title, fix }]) =>
    `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} | ${fix} |`,
);

const errorsPage = `# Errors

Every error of the API carries a status, a code and a message that says what is wrong, where, and how to mend it. Routes
of Conductor's API answer in Conductor's shape, routes of the vault's control API in the vault's; the codes are the same.

| code | status | retryable | means | what to do |
|---|---|---|---|---|
${rows.join('\n')}

## Conductor's shape
\`status\`, \`code\`, \`message\`, \`instance\` and \`retryable\`; \`validationErrors\` lists the fields of a request that are
wrong, each with \`path\`, \`message\` and \`invalidValue\`. A task that fails is not an error of the API: its status and
\`reasonForIncompletion\` are data of the run.

## The ensembles' shape
Routes under \`/api/v1\` and triggers answer \`{success: false, error, code, message, fix?, fields?, reason?, executionId?,
retryable, timestamp, requestId}\`: \`error\` is one word (\`Unauthorized\`, \`Forbidden\`, \`NotFound\`, \`ValidationError\`,
\`ExecutionError\` …), \`timestamp\` is in epoch milliseconds.

## Refusals of the vault's proxy
They wear the vendor's own error shape, so that its SDKs raise the right class. For Stripe, \`error.code\` is one of the
codes below and is the first word of \`error.message\`; \`Stripe-Should-Retry: false\` keeps SDKs from trying again.

| refusal | status | why |
|---|---|---|
| \`malformed_request\` | 400 | the request can be read in two ways, or not at all |
| \`parameter_invalid\` | 400 | a parameter that decides about money is missing or odd |
| \`idempotency_error\` | 400 | the idempotency key was used with other parameters |
| \`key_unknown\` | 401 | the key opens nothing |
| \`key_revoked\` | 401 | the key was revoked, or its run has ended |
| \`key_expired\` | 401 | the key has lived its time |
| \`vendor_mismatch\` | 403 | the key is for another vendor |
| \`endpoint_not_allowed\` | 403 | the key may not call this endpoint |
| \`cost_unknown\` | 403 | nobody can say what this call may cost, and the key is capped |
| \`currency_unsupported\` | 403 | the cap cannot be counted in this currency |
| \`not_found\` | 404 | the vendor has no such address |
| \`cap_exhausted\` | 429, or 402 where the issuer chose it | the amount does not fit under what is left of the cap |
| \`rate_limited\` | 429 | too many calls at once with this key |
| \`upstream_unreachable\` | 502 | the vendor cannot have seen the call; nothing was charged |
| \`vendor_not_configured\` | 503 | the vault holds no secret of this vendor |
| \`store_unavailable\` | 503 | the database did not answer, so nothing was forwarded |
| \`outcome_unknown\` | 504 | the call may have been carried out; the amount stays counted until that is known |
`;

writeFileSync(new URL('../docs/reference/errors.md', import.meta.url), errorsPage);

/** Sections in their order, each with the paths that belong to it; the first that fits takes a route. */
const SECTIONS = [
  ['Definitions', /^\/api\/metadata\//],
  ['Executions', /^\/api\/workflow/],
  ['Tasks', /^\/api\/tasks/],
  ['Schedules', /^\/api\/scheduler/],
  ['Vault', /^\/vault\//],
  ['Vault, as other clients spell it', /^\/v1\/keys/],
  ['Sign-in and keys', /^\/api\/(token|v1\/admin)/],
  ['Ensembles', /^\/(api\/v1\/(execute|agents|ensembles|executions)|callback)/],
  ['The server', /^/],
];

const INTRODUCTION = `# REST

\`/openapi.json\` describes every route with its shapes, made from the schemas that validate the requests; this page is
made from it. Every route needs a [credential](../guides/keys-and-permissions.md), save those marked public. What goes
wrong is on [a page of its own](errors.md). The vault's proxy (\`/stripe/…\`, \`/v1/…\`) speaks the vendor's API and is
[described with the vault](../guides/vault.md). What a search takes is on [its page](search.md),
and how [schedules](schedules.md) come due on another.
`;

writeFileSync(new URL('../docs/reference/rest.md', import.meta.url), restPage(await routes()));

async function routes() {
  const dataDir = mkdtempSync(join(tmpdir(), 'conductor-pages-'));
  const server = await startServer({ dataDir, port: 0 });
  const reply = await fetch(`${server.url}/openapi.json`, { headers: { 'X-API-Key': server.localKey } });
  const { paths } = await reply.json();
  await server.close();
  rmSync(dataDir, { recursive: true, force: true });
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, security }]) => ({
      path,
      route: `${method.toUpperCase()} ${path}`,
      summary: security.length === 0 ? `${summary} (public)` : summary,
    })),
  );
}

function restPage(all) {
  const left = new Set(all);
  const sections = SECTIONS.map(([title, belongs]) => {
    const own = [...left].filter(({ path }) => belongs.test(path));
    for (const route of own) left.delete(route);
    const lines = own.map(({ route, summary }) => `| \`${route}\` | ${summary} |`);
    return `## ${title}\n| route | |\n|---|---|\n${lines.join('\n')}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}
