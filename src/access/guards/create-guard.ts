// A trigger's own rules made into one check: who is calling, and whether they hold what the trigger asks for. Everything
// that is configured wrongly is said when the guard is made. Must never let a request through because a part is missing.
import { AppError } from '../../model/error.ts';
import type { CredentialMethod, TriggerAccess, TriggerAuth, TriggerCors } from '../../model/trigger.ts';
import type { Principal } from '../access.ts';
import type { ChainMethod } from '../credential-chain.ts';
import { type Guard, type GuardedRequest, NOBODY } from '../guard.ts';
import { basicCredentials, basicGuard } from './basic-guard.ts';
import { bearerGuard } from './bearer-guard.ts';
import { BUILT_IN_VALIDATORS, builtInValidator } from './built-in-validators.ts';
import type { GuardDeps } from './guard-deps.ts';
import { hasReference, resolveSecret } from './resolve-secret.ts';
import { signatureGuard } from './signature-guard.ts';

/** An HTTP trigger as it is; `cors` says whose pages may send a session cookie along. */
export type GuardedTrigger = TriggerAccess & { readonly cors?: TriggerCors | null };

type Configured = Extract<TriggerAuth, { readonly type: 'configured' }>;

/** Shorter ones can be guessed from one signed message. */
const SIGNING_SECRET_LENGTH = 16;
const NOTHING_SENT = Symbol('no credential');

/** Throws AppError invalid_definition, naming the trigger, for what cannot work or would not protect. */
export function createGuard(trigger: GuardedTrigger, deps: GuardDeps): Guard {
  const { auth, permissions, roles } = trigger;
  const asksForMore = permissions.length > 0 || roles.length > 0;
  if (auth === null) {
    if (asksForMore) throw wrong(deps, 'a public trigger can ask for no permissions or roles.');
    return () => NOBODY;
  }
  if (asksForMore && (auth.type === 'signature' || auth.type === 'basic')) {
    throw wrong(deps, `auth "${auth.type}" names nobody who could hold permissions or roles: leave them out.`);
  }
  const identify = told(deps, () => identifying(auth, trigger, deps));
  if (!asksForMore) return identify;
  return (request) => {
    const caller = identify(request);
    return caller instanceof Promise
      ? caller.then((principal) => permitted(principal, trigger, deps))
      : permitted(caller, trigger, deps);
  };
}

function identifying(auth: TriggerAuth, trigger: GuardedTrigger, deps: GuardDeps): Guard {
  switch (auth.type) {
    case 'configured':
      return configuredGuard(auth, trigger, deps);
    case 'bearer':
      return bearerGuard(auth, auth.secret === null ? null : signingSecret(auth.secret, deps), deps);
    case 'signature':
      return signatureGuard(auth, signingSecret(auth.secret, deps), deps);
    case 'basic':
      return basicGuard(basicCredentials(auth.secret, deps.environment, deps.trigger), auth.realm, deps.trigger);
    case 'custom':
      return required(customCheck(auth.validator, deps), deps);
    case 'apiKey':
    case 'unkey':
    case 'cookie':
      return required(chainCheck(new Set([auth.type]), trigger, deps), deps);
  }
}

/** What `public: false` alone means, and the form that lists methods. */
function configuredGuard(
  { methods, customValidator, requirement }: Configured,
  trigger: GuardedTrigger,
  deps: GuardDeps,
): Guard {
  if (methods.includes('custom') && customValidator === null) {
    throw wrong(deps, 'method "custom" needs a customValidator.');
  }
  const custom = customValidator === null ? null : customCheck(customValidator, deps);
  const listed = methods.filter(isChainMethod);
  const onlyCustom = methods.length > 0 && listed.length === 0;
  const chain = onlyCustom ? null : chainCheck(methods.length === 0 ? null : new Set(listed), trigger, deps);
  const check: Check = async (request) => {
    const caller = custom ? await custom(request) : NOTHING_SENT;
    return caller === NOTHING_SENT && chain ? await chain(request) : caller;
  };
  const chosen = custom || !chain ? check : chain;
  return requirement === 'required' ? required(chosen, deps) : optional(chosen);
}

/** Who is calling, where the request says so. */
type Check = (request: GuardedRequest) => Answer | Promise<Answer>;
type Answer = Principal | typeof NOTHING_SENT;

function chainCheck(methods: ReadonlySet<ChainMethod> | null, { cors }: GuardedTrigger, deps: GuardDeps): Check {
  const { access } = deps;
  for (const method of methods ?? []) {
    if (access.offers(method)) continue;
    throw wrong(deps, `auth "${method}" is not configured${SETTINGS[method] ?? ''}.`);
  }
  const origins = cors?.credentials ? cors.origins.filter((origin) => origin !== '*') : [];
  const ask = { methods, origins };
  return (request) => access.identify(request.header, ask) ?? NOTHING_SENT;
}

const SETTINGS: Readonly<Partial<Record<ChainMethod, string>>> = {
  unkey: `: set auth.provider to 'unkey' and auth.rootKey`,
  basic: ': list its credentials in the configuration, or give the trigger a secret',
  cookie: ': name the session cookie and its store in the configuration',
};

function customCheck(name: string, deps: GuardDeps): Check {
  const registered = deps.access.validator(name);
  if (registered) return async (request) => (await registered(request)) ?? NOTHING_SENT;
  const builtIn = builtInValidator(name, deps);
  if (builtIn) return async (request) => await nothingOr(builtIn, request);
  throw wrong(deps, `there is no validator "${name}". Register it, or use one of ${BUILT_IN_VALIDATORS.join(', ')}.`);
}

async function nothingOr(guard: Guard, request: GuardedRequest): Promise<Answer> {
  try {
    return await guard(request);
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return NOTHING_SENT;
    throw error;
  }
}

function required(check: Check, { access }: GuardDeps): Guard {
  const held = (answer: Answer): Principal => {
    if (answer === NOTHING_SENT) throw access.missing();
    return answer;
  };
  return (request) => {
    const answer = check(request);
    return answer instanceof Promise ? answer.then(held) : held(answer);
  };
}

function optional(check: Check): Guard {
  const orNobody = (answer: Answer): Principal => (answer === NOTHING_SENT ? NOBODY : answer);
  return (request) => {
    const answer = check(request);
    return answer instanceof Promise ? answer.then(orNobody) : orNobody(answer);
  };
}

/** All permissions, any of the roles. Throws AppError unauthenticated | forbidden. */
function permitted(principal: Principal, { permissions, roles }: GuardedTrigger, { access }: GuardDeps): Principal {
  if (principal === NOBODY) throw access.missing();
  for (const permission of permissions) access.require(principal, permission);
  if (roles.length > 0 && !roles.some((role) => principal.roles?.includes(role))) {
    throw new AppError('forbidden', `Missing required role: ${roles.join(' or ')}`);
  }
  return principal;
}

function signingSecret(text: string, deps: GuardDeps): string {
  const secret = resolveSecret(text, deps.environment, deps.trigger);
  if (secret.length < SIGNING_SECRET_LENGTH) {
    deps.warn(
      `${deps.trigger}: the signing secret has fewer than ${SIGNING_SECRET_LENGTH} characters and can be guessed.`,
    );
  }
  if (!hasReference(text)) deps.warn(`${deps.trigger}: the secret stands in the file itself; name a variable instead.`);
  return secret;
}

function isChainMethod(method: CredentialMethod): method is ChainMethod {
  return method !== 'custom';
}

function wrong({ trigger }: GuardDeps, message: string): AppError {
  return new AppError('invalid_definition', `${trigger}: ${message}`);
}

/** Whatever is configured wrongly is one kind of error to whoever mounts the trigger. */
function told<T>({ trigger }: GuardDeps, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof AppError || !(error instanceof Error)) throw error;
    const message = error.message.startsWith(trigger) ? error.message : `${trigger}: ${error.message}`;
    throw new AppError('invalid_definition', message);
  }
}
