// The custom validators that every server has: signatures of three senders, each with its secret in its own variable.
import type { SignaturePreset } from '../../model/trigger.ts';
import type { Guard } from '../guard.ts';
import type { GuardDeps } from './guard-deps.ts';
import { resolveSecret } from './resolve-secret.ts';
import { signatureGuard } from './signature-guard.ts';
import { twilioGuard } from './twilio-guard.ts';

const TOLERANCE_SECONDS = 300;

const VALIDATORS: ReadonlyMap<string, (deps: GuardDeps) => Guard> = new Map([
  ['stripe-signature', (deps) => signed('stripe', 'STRIPE_WEBHOOK_SECRET', deps)],
  ['github-signature', (deps) => signed('github', 'GITHUB_WEBHOOK_SECRET', deps)],
  ['twilio-signature', (deps) => twilioGuard(secretOf('TWILIO_AUTH_TOKEN', deps), deps.trigger)],
]);

export const BUILT_IN_VALIDATORS: readonly string[] = [...VALIDATORS.keys()];

/** Undefined: there is none of that name. Throws AppError invalid_definition when its variable is unset. */
export function builtInValidator(name: string, deps: GuardDeps): Guard | undefined {
  return VALIDATORS.get(name)?.(deps);
}

function secretOf(variable: string, { environment, trigger }: GuardDeps): string {
  return resolveSecret(`\${env.${variable}}`, environment, trigger);
}

function signed(preset: SignaturePreset, variable: string, deps: GuardDeps): Guard {
  const secret = secretOf(variable, deps);
  const usual = { algorithm: null, signatureHeader: null, timestampHeader: null };
  const auth = { type: 'signature' as const, secret, preset, timestampToleranceSeconds: TOLERANCE_SECONDS, ...usual };
  return signatureGuard(auth, secret, deps);
}
