// The answer to who waited for an execution, in the form they asked for. It is a history: whoever gets it must be allowed
// to read it, and that they did is recorded first.
import { z } from 'zod';
import type { AwaitedRun } from '../../../orchestrator/orchestrator-api.ts';
import { permission } from '../../permission.ts';
import { oneOf, textQuery } from '../../query.ts';
import { type HttpRequest, jsonText, type Reply } from '../../route.ts';
import { RETURN_STRATEGIES, type ReturnStrategy, signalRunText, signalTaskText } from '../../wire/signal-text.ts';
import type { RouteDeps } from './deps.ts';

export const STRATEGY_QUERY = { returnStrategy: z.enum(RETURN_STRATEGIES).optional() };

/** Throws AppError invalid_request. */
export function strategyOf(request: HttpRequest): ReturnStrategy {
  return oneOf('returnStrategy', textQuery(request, 'returnStrategy') ?? 'TARGET_WORKFLOW', RETURN_STRATEGIES);
}

/** `route`: as it is recorded. Throws AppError forbidden. */
export async function signalReply(
  { access, renderer, recordRead }: RouteDeps,
  request: HttpRequest,
  awaited: AwaitedRun,
  route: string,
): Promise<Reply> {
  const strategy = strategyOf(request);
  const { run: target, blocked, isLate } = awaited;
  const head = { strategy, target, requestId: textQuery(request, 'requestId'), isLate };
  const shown =
    strategy === 'TARGET_WORKFLOW' ? awaited : (blocked ?? (strategy === 'BLOCKING_WORKFLOW' ? awaited : null));
  // Nothing waits for anybody, so there is no task to show.
  if (!shown) return jsonText('null');
  access.require(request.principal, permission('workflow', shown.run.name, 'read'));
  await recordRead(request.principal.id, shown.run.id, route);
  if (blocked && strategy.startsWith('BLOCKING_TASK')) return jsonText(signalTaskText(head, blocked.run, blocked.task));
  return jsonText(signalRunText(head, shown.run, await renderer.tasks(shown.tasks, shown.run)));
}
