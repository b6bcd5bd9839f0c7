// Stripe's idempotency keys: the first answer is kept, 500s included, and repeated for the same parameters; others are
// refused, and so is a second request while the first is under way. Validation failures are not kept.
import { failure, type SimulatedReply } from './wire.ts';

interface Kept {
  readonly request: string;
  reply: SimulatedReply | undefined;
}

export interface Begun {
  /** Replay or refusal: the call must not be carried out. */
  readonly reply: SimulatedReply | undefined;
  readonly replayed: boolean;
  finish(reply: SimulatedReply): void;
}

export class IdempotencyKeys {
  readonly #kept = new Map<string, Kept>();

  /** `request`: everything that must be the same. */
  begin(key: string | undefined, request: string): Begun {
    if (key === undefined) return { reply: undefined, replayed: false, finish: () => undefined };
    const kept = this.#kept.get(key);
    if (kept)
      return {
        reply: repeat(kept, request),
        replayed: kept.reply !== undefined && kept.request === request,
        finish: () => undefined,
      };
    const begun: Kept = { request, reply: undefined };
    this.#kept.set(key, begun);
    return {
      reply: undefined,
      replayed: false,
      finish: (reply) => {
        if (reply.stored) begun.reply = reply;
        else this.#kept.delete(key);
      },
    };
  }

  /** Forgets a key, as Stripe does after a day. */
  forget(key: string): void {
    this.#kept.delete(key);
  }
}

function repeat(kept: Kept, request: string): SimulatedReply {
  if (kept.request !== request) {
    return failure(400, {
      type: 'idempotency_error',
      message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.',
    });
  }
  return (
    kept.reply ??
    failure(409, {
      type: 'idempotency_error',
      code: 'idempotency_key_in_use',
      message: 'There is currently another in-progress request using this Idempotent Key.',
    })
  );
}
