// What an execution keeps of the request that started it: who, from where, by what. Rides in the run's variables, so a
// step that goes on after a restart sees it too. Must never hold a secret, nor the caller's address.
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { Run } from '../model/run.ts';
import type { AuthContext } from '../operations/operation.ts';
import type { VisitorData } from '../visitor/visitor.ts';
import type { CallContext } from './executor.ts';

/** The variable's name. Expressions cannot reach it: they see `state` only. */
const VARIABLE = '_context';

export interface CallRecord {
  readonly requestId: string;
  readonly auth: AuthContext;
  readonly visitor: VisitorData;
  readonly trigger: string;
}

const NOBODY: AuthContext = { authenticated: false, method: null, user: null };

export function recordCall({ requestId, auth, visitor, trigger }: CallContext): JsonObject {
  const { ip: _ip, ...place } = visitor;
  return { [VARIABLE]: { requestId, trigger, auth: plain(auth), visitor: plain(place) } };
}

/**
 * Whether the executor started it: nobody else can name a run so. Only then do its definition come from the project's
 * files and its record from us; every other definition was written by whoever may start workflows, who must not read the
 * environment nor say who is calling.
 */
export function isExecution({ id }: Pick<Run, 'id'>): boolean {
  return id.startsWith('req_');
}

/** The call of a run; of one that was started otherwise, what can be said of it. */
export function readCall(run: Run): CallRecord {
  const record = isExecution(run) ? run.variables.object[VARIABLE] : undefined;
  if (!isJsonObject(record)) return { requestId: run.id, auth: NOBODY, visitor: {}, trigger: 'workflow' };
  const { requestId, auth, visitor, trigger } = record;
  return {
    requestId: String(requestId ?? run.id),
    auth: isAuth(auth) ? auth : NOBODY,
    visitor: isJsonObject(visitor) ? visitor : {},
    trigger: String(trigger ?? 'workflow'),
  };
}

/** Without its undefined members, which JSON has no way to keep. */
function plain(value: object): JsonObject {
  const kept: JsonObject = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) kept[name] = one;
  return kept;
}

function isAuth(value: JsonValue | undefined): value is JsonValue & AuthContext {
  return isJsonObject(value) && typeof value.authenticated === 'boolean';
}
