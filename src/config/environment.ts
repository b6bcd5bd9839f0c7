// Which environment variables lay themselves over the configuration file, and how each is read. A blank variable counts
// as unset: shells and compose files leave those behind.

export interface EnvironmentVariable {
  readonly name: string;
  readonly path: readonly string[];
  readonly read: (text: string) => unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const text = (value: string): unknown => value;

const list = (value: string): unknown =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** What is no number is left as text: the schema then says so, naming the variable. */
const number = (value: string): unknown => (/^\s*\d{1,9}\s*$/.test(value) ? Number(value) : value);

export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  { name: 'CONDUCTOR_HOST', path: ['server', 'host'], read: text },
  { name: 'CONDUCTOR_PORT', path: ['server', 'port'], read: number },
  { name: 'CONDUCTOR_PUBLIC_URL', path: ['server', 'publicUrl'], read: text },
  { name: 'CONDUCTOR_ALLOW_ORIGINS', path: ['egress', 'allowOrigins'], read: list },
  { name: 'CONDUCTOR_EXECUTION_DEFAULT_TIMEOUT', path: ['execution', 'defaultTimeout'], read: number },
  { name: 'JWT_SECRET', path: ['auth', 'jwt', 'secret'], read: text },
  { name: 'JWT_JWKS_URL', path: ['auth', 'jwt', 'jwksUrl'], read: text },
  { name: 'JWT_ISSUER', path: ['auth', 'jwt', 'issuer'], read: text },
  { name: 'JWT_AUDIENCE', path: ['auth', 'jwt', 'audience'], read: text },
  { name: 'JWT_ALGORITHMS', path: ['auth', 'jwt', 'algorithms'], read: list },
  { name: 'UNKEY_ROOT_KEY', path: ['auth', 'rootKey'], read: text },
  { name: 'UNKEY_API_ID', path: ['auth', 'apiId'], read: text },
  { name: 'BASIC_AUTH_CREDENTIALS', path: ['auth', 'basic', 'credentials'], read: list },
];
