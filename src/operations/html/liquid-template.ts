// Liquid, fenced in: every output is escaped unless it says `| raw` or `| safe`; no template reads a file or another
// template; parsing, time and memory are bounded. Must never see more than the data it is given.
import { Liquid } from 'liquidjs';
import type { JsonObject } from '../../model/json.ts';
import { AgentError } from '../operation.ts';

const TEMPLATE_LENGTH_MAX = 1_000_000;
const RENDER_MS_MAX = 2_000;
const MEMORY_MAX = 50_000_000;

const engine = new Liquid({
  outputEscape: 'escape',
  ownPropertyOnly: true,
  // An empty set of templates by name instead of a folder: include, render and layout find nothing.
  templates: {},
  parseLimit: TEMPLATE_LENGTH_MAX,
  renderLimit: RENDER_MS_MAX,
  memoryLimit: MEMORY_MAX,
});
engine.registerFilter('safe', { raw: true, handler: (value: unknown) => value });

/** Throws AgentError, not retryable, for a template that is wrong or takes too much. */
export async function renderLiquid(template: string, scope: JsonObject): Promise<string> {
  try {
    const html: unknown = await engine.parseAndRender(template, scope);
    return String(html);
  } catch (error) {
    throw new AgentError(`The template: ${error instanceof Error ? error.message : String(error)}`, false);
  }
}
