// An agent against the operations of this server: its operation must exist, and its config must be one that it takes.
import type { AgentSource } from './agent-schema.ts';
import { checkConfig } from './check-config.ts';
import { checkTexts, type Reach } from './check-expressions.ts';
import { suggestion } from './cursor.ts';
import type { KnownOperation } from './known-operation.ts';
import { child } from './yaml-node.ts';

/** Operations of the language that this version does not have. */
const LATER = [
  ...['think', 'tools', 'scoring', 'email', 'sms', 'form', 'pdf', 'queue', 'autorag', 'cookies', 'telemetry'],
  ...['transform', 'convert', 'chart', 'page', 'function'],
];

/** Resolved at every call, beside the environment: nothing of it is kept. */
const REACH: Reach = { roots: new Set(['input']), later: new Set(), envRefused: null };

/** `usedBySteps`: what its config lacks may be given there, and is judged there. */
export function checkAgent(
  { agent, cursor, config }: AgentSource,
  operations: ReadonlyMap<string, KnownOperation>,
  usedBySteps: boolean,
): void {
  const operation = operations.get(agent.operation);
  if (config !== undefined) checkTexts(config, REACH, operation?.literal);
  if (operation === undefined) {
    const at = cursor.node.kind === 'map' ? child(cursor.node, 'operation')?.value.position : undefined;
    if (LATER.includes(agent.operation))
      cursor.error(
        `The operation \`${agent.operation}\` is not supported yet by this version`,
        `Use one of ${[...operations.keys()].join(', ')}.`,
        at,
      );
    else
      cursor.error(
        `"${agent.operation}" is not an operation: ${[...operations.keys()].join(', ')}`,
        suggestion(agent.operation, [...operations.keys(), ...LATER]),
        at,
      );
    return;
  }
  checkConfig({
    config: agent.config,
    schema: operation.config,
    written: config,
    missingAt: usedBySteps ? undefined : cursor,
    of: `agent "${agent.name}"`,
  });
}
