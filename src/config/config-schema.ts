// conductor.config.ts: every key that has an effect, its shape and its default. What is absent gets its default here and
// nowhere else. Must never let an unknown key pass: a setting that is spelled wrongly must not look as if it were on.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { isGeoHeader, NETWORKS } from '../model/geo-headers.ts';
import { authSchema, filled, httpUrl, orNull } from './auth-schema.ts';

const milliseconds = (fallback: number, most: number) => z.number().int().min(0).max(most).default(fallback);

/** Inside the project, so that no file elsewhere is taken for one of it. */
const directory = (fallback: string) =>
  z
    .string()
    .refine(isInside, 'must be a directory inside the project, such as "ensembles"')
    .transform((path) => path.replace(/^(\.\/)+/, '').replace(/\/+$/, '') || '.')
    .prefault(fallback);

const found = (fallback: string, patterns: readonly string[]) => ({
  enabled: z.boolean().default(true),
  directory: directory(fallback),
  patterns: z
    .array(filled())
    .min(1, 'must hold at least one pattern')
    .default([...patterns]),
  excludeDirs: z.array(filled()).default(['node_modules']),
});

const executionRule = z.strictObject({ requireExplicit: z.boolean().default(false) }).prefault({});

const securitySchema = z
  .strictObject({
    /** The same switch as `auth.requireAuth`. */
    requireAuth: orNull(z.boolean()),
    allowDirectAgentExecution: z.boolean().default(true),
    autoPermissions: z.boolean().default(false),
    stealthMode: z.boolean().default(false),
    stealthDelayMs: milliseconds(50, 10_000),
    conductorHeader: z.boolean().default(true),
    debugHeaders: z.boolean().default(false),
    trustedProxies: z
      .array(z.string().refine(isAddressRange, 'must be an IP address or a range such as 10.0.0.0/8'))
      .default([]),
    geoHeaders: z
      .array(
        z.string().refine(isGeoHeader, `must be ${NETWORKS.join(', ')} or a header of theirs such as cf-ipcountry`),
      )
      .default([]),
    geo: z.strictObject({ city: orNull(filled()), asn: orNull(filled()) }).prefault({}),
  })
  .prefault({});

const docsSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** Null: the project's name. */
    title: orNull(filled()),
    /** Of the docs as shipped; null: public, as docs-serve says of itself. */
    auth: z.strictObject({ requirement: orNull(z.enum(['public', 'optional', 'required'])) }).prefault({}),
  })
  .prefault({});

const discoverySchema = z
  .strictObject({
    agents: z.strictObject(found('agents', ['**/agent.yaml', '**/agent.yml'])).prefault({}),
    ensembles: z.strictObject(found('ensembles', ['**/*.yaml', '**/*.yml'])).prefault({}),
    docs: z.strictObject({ ...found('docs', ['**/*.md']), excludeReadme: z.boolean().default(true) }).prefault({}),
  })
  .prefault({});

const postgresUrl = () => filled().regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL');

export const configSchema = z
  .strictObject({
    name: filled().default('conductor'),
    version: orNull(filled()),
    auth: authSchema,
    security: securitySchema,
    api: z
      .strictObject({
        execution: z.strictObject({ agents: executionRule, ensembles: executionRule }).prefault({}),
      })
      .prefault({}),
    docs: docsSchema,
    execution: z.strictObject({ defaultTimeout: z.number().int().min(1).max(86_400_000).default(30_000) }).prefault({}),
    discovery: discoverySchema,
    egress: z.strictObject({ allowOrigins: z.array(httpUrl()).default([]) }).prefault({}),
    /** By binding; a binding that is not here is a SQLite file in the data directory. */
    databases: z
      .record(
        z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a name of letters, digits, _ and -'),
        postgresUrl(),
      )
      .default({}),
    server: z
      .strictObject({
        host: filled().default('127.0.0.1'),
        port: z.number().int().min(0).max(65_535).default(8080),
        publicUrl: orNull(httpUrl()),
      })
      .prefault({}),
  })
  .superRefine(({ auth, security }, context) => {
    if (security.geoHeaders.length > 0 && security.trustedProxies.length === 0) {
      const message = 'are believed of security.trustedProxies alone, and there are none.';
      context.addIssue({ code: 'custom', path: ['security', 'geoHeaders'], message });
    }
    // Under `security` alone the switch is moved to `auth` before this; here both were given.
    if (security.requireAuth === null || security.requireAuth === auth.requireAuth) return;
    context.addIssue({ code: 'custom', path: ['security', 'requireAuth'], message: 'contradicts auth.requireAuth.' });
  });

/** As it is written in a file: what comes from `process.env` may be undefined, and is refused by name when it is loaded. */
export type ConductorConfig = Written<z.input<typeof configSchema>>;

type Written<T> = T extends readonly (infer Item)[]
  ? readonly (Item | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]: Written<T[Key]> | undefined }
    : T;

/** With every default filled in. */
export type Settings = z.output<typeof configSchema>;

/** Keys that belong to later features: refused by name, so that nobody takes them for typing mistakes. */
export const KEYS_TO_COME: ReadonlySet<string> = new Set([
  ...['cloud', 'routing', 'testing', 'observability', 'storage', 'assets', 'environments', 'workers', 'versions', 'kv'],
  ...['mcpServers', 'rateLimit', 'errorPages', 'hitl', 'cors', 'api.protectedAssets', 'discovery.scripts'],
  ...['docs.ui', 'docs.theme', 'docs.ai', 'docs.include', 'docs.exclude', 'docs.includeExamples', 'docs.nav'],
  ...['docs.includeSecurity', 'docs.cache', 'docs.outputDir', 'docs.format', 'docs.servers'],
  ...['execution.trackHistory', 'execution.maxHistoryEntries', 'execution.storeStateSnapshots'],
  ...['discovery.agents.configFile', 'discovery.agents.includeExamples', 'discovery.agents.handlerExtensions'],
  ...['discovery.ensembles.supportTypeScript', 'security.productionEnvironments', 'auth.basic.realm'],
]);

function isInside(path: string): boolean {
  return path !== '' && !/^[/\\]|^[A-Za-z]:|\0/.test(path) && !path.split(/[/\\]/).includes('..');
}

function isAddressRange(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
}
