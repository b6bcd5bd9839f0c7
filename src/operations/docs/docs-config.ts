// The docs agent's config. Owns which keys there are and what may stand in them. While a project loads, a value that is
// still a `${…}` template is let through; what it became is checked, without that exception, at every call.
import { z } from 'zod';

const DOCS_ACTIONS = [
  'render-landing',
  'render-page',
  'render-agents',
  'render-agent-detail',
  'render-ensembles',
  'render-ensemble-detail',
  'render-api',
  'generate-openapi',
  'list-pages',
] as const;

export type DocsAction = (typeof DOCS_ACTIONS)[number];
export const docsActionSchema = z.enum(DOCS_ACTIONS);

const COLOUR = /^(#([\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})|[a-z]{3,30}|(rgb|hsl|oklch)a?\([\d\s.,%/deg]{1,60}\))$/i;
/** Same site from its root, or an http(s) address. `//host` would be another site in disguise. */
const LOGO = /^(\/(?![/\\])|https?:\/\/)[^\s"'<>\\;,]{1,2000}$/i;
const BASE_PATH = /^\/$|^(\/[\w.~-]{1,100}){1,10}$/;

function docsConfig(mayHoldTemplates: boolean) {
  const isTemplate = (text: string) => mayHoldTemplates && /\$\{|\{\{/.test(text);
  const checked = (rule: RegExp, message: string) =>
    z.string().refine((text) => isTemplate(text) || rule.test(text), message);
  return z.strictObject({
    title: z.string().min(1).max(200).optional(),
    /** Where the docs are mounted: every link begins with it. */
    basePath: checked(BASE_PATH, 'must be a path such as /docs, without a slash at its end').default('/docs'),
    /** Accepted for compatibility. Every choice gives our own page: nothing is loaded from elsewhere. */
    ui: z.enum(['stoplight', 'redoc', 'swagger', 'scalar', 'rapidoc']).optional(),
    theme: z
      .strictObject({
        primaryColor: checked(COLOUR, 'must be a CSS colour such as #2563eb').optional(),
        /** Absent: as the reader's system has it. */
        darkMode: z.union([z.boolean(), z.literal('auto')]).optional(),
        logo: checked(LOGO, 'must be a path from the root or an http(s) address').optional(),
      })
      .default({}),
    nav: z
      .strictObject({
        /** Slugs that come first, in this order. */
        order: z.array(z.string()).default([]),
        /** Slugs that navigation and search leave out; who knows the address still gets the page. */
        hide: z.array(z.string()).default([]),
        /** The project's agents and ensembles: shown to everybody, to nobody, or (absent) to readers with a credential. */
        showReserved: z.boolean().optional(),
      })
      .default({ order: [], hide: [] }),
    /** Keeps rendered pages in memory for `ttl` seconds. Off unless asked for. */
    cache: z
      .strictObject({ enabled: z.boolean().default(true), ttl: z.number().int().min(1).max(86_400).default(300) })
      .optional(),
    /** Pins what is rendered, whatever the request says. */
    action: docsActionSchema.optional(),
  });
}

/** For YAML that has not run yet. */
export const docsConfigSchema = docsConfig(true);
/** For what a call was given. */
export const resolvedDocsConfigSchema = docsConfig(false);

export type DocsConfig = z.infer<typeof resolvedDocsConfigSchema>;
