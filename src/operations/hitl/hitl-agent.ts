// The hitl agent: a step that waits for people. It has no work to run: a step that names it compiles to an APPROVAL task,
// which the engine keeps open, over restarts, until enough approvers have decided or its time is over. Owns its config.
import { z } from 'zod';
import { builtIn } from '../built-in-agent.ts';
import { AgentError, type Operation } from '../operation.ts';

const HOUR_MS = 3_600_000;
const isTemplate = (text: string) => /\$\{|\{\{/.test(text);
/** An expression may stand for any value: what it gives is checked when the step begins. */
const orTemplate = <T extends z.ZodType>(schema: T) => z.union([schema, z.string().refine(isTemplate)]);

export const hitlConfigSchema = z
  .strictObject({
    /** Who may decide; absent or empty: whoever may vote at all. */
    approvers: orTemplate(z.array(z.string().min(1)).max(100)).optional(),
    minApprovals: orTemplate(z.number().int().min(1).max(100)).default(1),
    /** Milliseconds. */
    timeout: orTemplate(z.number().int().min(1)).default(24 * HOUR_MS),
    /** What silence means; `fail` ends the execution. */
    onTimeout: orTemplate(z.enum(['reject', 'approve', 'fail'])).default('reject'),
    /** For those who decide. */
    title: z.string().max(500).optional(),
    description: z.string().max(10_000).optional(),
    /** Slack and e-mail would show every approver's link to all who read there. */
    notificationChannel: z.literal('webhook').optional(),
    notificationConfig: z
      .strictObject({
        webhookUrl: z.string().min(1),
        /** Where this server is reached from outside, for the links; the server's public address unless told. */
        baseUrl: z.string().min(1).optional(),
      })
      .optional(),
  })
  .refine((config) => !config.notificationChannel || config.notificationConfig, {
    message: 'notificationChannel needs notificationConfig with a webhookUrl',
    path: ['notificationConfig'],
  })
  .refine(({ approvers, minApprovals }) => !isTooMany(minApprovals, approvers), {
    message: 'minApprovals is more than there are approvers',
    path: ['minApprovals'],
  });

export const hitlOperation: Operation = {
  name: 'hitl',
  config: hitlConfigSchema,
  run() {
    throw new AgentError('hitl waits for people: it works as a step of an ensemble only', false);
  },
};

export const HITL_AGENT = builtIn('hitl', 'Waits until people have approved or rejected', 30_000);

function isTooMany(minApprovals: number | string, approvers: readonly string[] | string | undefined): boolean {
  if (typeof minApprovals !== 'number' || !Array.isArray(approvers) || approvers.length === 0) return false;
  return minApprovals > new Set(approvers).size;
}
