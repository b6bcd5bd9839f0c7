// `budget` of a workflow definition: which vendors a run may spend on, and how much. Our own format: unknown keys are
// errors. Enforced by the vault; the engine only carries it.
import { z } from 'zod';

const vendorBudgetSchema = z.strictObject({
  /** Dollars: a number, a decimal string, or one `${workflow.input.…}` expression. */
  capUsd: z.union([z.number(), z.string().min(1)]),
  /** "METHOD /path" with `*` or `{id}` segments, "resource.verb", or a bare path. */
  allowedEndpoints: z.array(z.string().min(1)).min(1),
  /** s, m, h or d; how long the run key lives. */
  expiresIn: z.string().optional(),
  capWindow: z.enum(['utc_day', 'rolling_24h', 'lifetime']).optional(),
});

export const budgetSchema = z.record(z.string().min(1), vendorBudgetSchema);

export type Budget = z.infer<typeof budgetSchema>;
export type VendorBudget = z.infer<typeof vendorBudgetSchema>;
