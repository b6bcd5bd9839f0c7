// A project from texts, with a few operations and built-in agents, for the tests of this folder.
import { z } from 'zod';
import type { Ensemble } from '../model/ensemble.ts';
import { builtIn } from '../operations/built-in-agent.ts';
import type { KnownOperation } from './known-operation.ts';
import { loadProject } from './load-project.ts';
import type { Problem, Project } from './project.ts';

export const OPERATIONS: readonly KnownOperation[] = [
  { name: 'code', config: z.looseObject({}) },
  {
    name: 'http',
    config: z.strictObject({
      url: z.string(),
      method: z.enum(['GET', 'POST']).optional(),
      headers: z.record(z.string(), z.string()).optional(),
      retries: z.number().int().optional(),
    }),
  },
  { name: 'docs', config: z.strictObject({ title: z.string().optional(), basePath: z.string().optional() }) },
];

const DOCS_SERVE = `
name: docs-serve
trigger:
  - type: http
    paths:
      - path: /docs
        methods: [GET]
      - path: /docs/:slug
        methods: [GET]
    public: true
flow:
  - name: render
    agent: docs
output:
  _raw: \${render.output}
`;

export function load(files: Readonly<Record<string, string>>): Project {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  const agents = ['docs', 'fetch-user', 'http', 'fetch'].map((name) => {
    const operation = name === 'docs' || name === 'http' ? name : 'code';
    return { ...builtIn(name, '', 30_000), operation, description: null };
  });
  return loadProject(
    sources,
    { agents, ensembles: [{ path: 'built-in/docs-serve.yaml', text: DOCS_SERVE }] },
    OPERATIONS,
  );
}

/** The problems of one ensemble file, as `line:column message`. */
export function problemsOf(yaml: string, severity: Problem['severity'] = 'error'): string[] {
  const { problems } = load({ 'ensembles/a.yaml': yaml });
  return problems.filter((problem) => problem.severity === severity).map(shown);
}

export function hintsOf(yaml: string): (string | null)[] {
  return load({ 'ensembles/a.yaml': yaml }).problems.map((problem) => problem.hint);
}

/** The ensemble `a` of a file without a problem. */
export function ensembleOf(yaml: string, name = 'a'): Ensemble {
  const project = load({ 'ensembles/a.yaml': yaml });
  const ensemble = project.ensembles.get(name);
  const errors = project.problems.filter((problem) => problem.severity === 'error');
  if (ensemble === undefined || errors.length > 0)
    throw new Error(`${name} did not load: ${errors.map(shown).join('\n')}`);
  return ensemble;
}

function shown({ position, message }: Problem): string {
  return `${position.line}:${position.column} ${message}`;
}
