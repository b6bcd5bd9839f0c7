// Stripe's paths as `resource.verb`, the notation of policies and audit rows. Owns the naming only: an operation says
// nothing about cost.

/** Two-segment resources, such as checkout/sessions. */
const NAMESPACES = new Set([
  'apps',
  'billing',
  'billing_portal',
  'checkout',
  'climate',
  'entitlements',
  'financial_connections',
  'forwarding',
  'identity',
  'issuing',
  'radar',
  'reporting',
  'sigma',
  'tax',
  'terminal',
  'test_helpers',
  'treasury',
]);
const SINGLETONS = new Set(['account', 'balance', 'balance_settings']);
const SEARCH_LIKE = new Set(['search', 'upcoming']);

/** What follows an id and acts on it; anything else that follows is a collection of its own. */
const ACTIONS = new Set([
  'accept',
  'advance',
  'apply_customer_balance',
  'approve',
  'attach',
  'cancel',
  'capture',
  'close',
  'confirm',
  'decline',
  'detach',
  'expire',
  'finalize',
  'increment_authorization',
  'mark_uncollectible',
  'pay',
  'reject',
  'release',
  'resume',
  'reverse',
  'send',
  'verify',
  'verify_microdeposits',
  'void',
]);

/** `segments` begin with the version: ["v1", "payment_intents", "pi_1", "confirm"] is `payment_intents.confirm`. */
export function stripeOperation(method: string, segments: readonly string[]): string {
  const [, first = '', ...others] = segments;
  const inside = NAMESPACES.has(first) && others.length > 0;
  const resource = inside ? `${first}.${others[0]}` : first;
  const [id, action, ...rest] = inside ? others.slice(1) : others;
  if (SINGLETONS.has(resource) && id === undefined) return `${resource}.${verb(method, true)}`;
  if (id === undefined) return `${resource}.${verb(method, false)}`;
  if (action === undefined) {
    return SEARCH_LIKE.has(id) && method === 'GET' ? `${resource}.${id}` : `${resource}.${verb(method, true)}`;
  }
  if (ACTIONS.has(action) && rest.length === 0 && method === 'POST') return `${resource}.${action}`;
  if (rest.length > 1) return `${resource}.${action}.${rest.slice(1).join('.')}`;
  return `${resource}.${action}.${verb(method, rest.length === 1)}`;
}

function verb(method: string, hasId: boolean): string {
  if (method === 'GET') return hasId ? 'retrieve' : 'list';
  if (method === 'DELETE') return 'delete';
  return hasId ? 'update' : 'create';
}
