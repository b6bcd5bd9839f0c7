import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePlan } from '../engine/plan/compile.ts';
import { load } from './load-project.fixture.ts';
import type { Problem } from './project.ts';

const shown = ({ position, message }: Problem) => `${position.file}:${position.line}:${position.column} ${message}`;
const problemsOf = (files: Record<string, string>) => load(files).problems.map(shown);

const ENSEMBLE =
  'name: a\ntrigger:\n  - type: http\n    path: /a/:id\n    public: true\nflow:\n  - agent: fetch\n    input: { x: "${input.x}", y: "${env.Y}" }\noutput:\n  ok: ${fetch.success}\n';

describe('names', () => {
  test('missing agents are named, all of them, with what was meant', () => {
    const yaml = 'name: a\nflow:\n  - agent: fecth\n  - agent: nothing-like-it\n  - agent: fecth\n    name: again\n';
    const { problems } = load({ 'ensembles/a.yaml': yaml });
    expect(problems).toEqual([
      {
        severity: 'error',
        position: { file: 'ensembles/a.yaml', line: 3, column: 12 },
        message: 'Ensemble "a" references missing agents: fecth, nothing-like-it',
        hint: 'Did you mean `fetch`?',
      },
    ]);
  });

  test('an agent with errors is not missing, but in the way; nothing built-in takes its place', () => {
    const project = load({
      'ensembles/a.yaml': ENSEMBLE,
      'agents/fetch/agent.yaml': 'name: fetch\noperation: code\nsecurty: {}\n',
    });
    expect(project.problems.map(shown)).toEqual([
      'agents/fetch/agent.yaml:3:1 `securty` is not a key of an agent',
      'ensembles/a.yaml:7:12 The agent "fetch" has errors of its own',
    ]);
    expect(project.agents.has('fetch')).toBe(false);
    expect(project.ensembles.has('a')).toBe(false);
  });

  test('an ensemble with errors does not fall back to the built-in one of its name', () => {
    const project = load({
      'ensembles/docs.yaml': 'name: docs-serve\ntrigger:\n  - type: http\n    path: /docs\n    publc: false\n',
    });
    expect(project.ensembles.has('docs-serve')).toBe(false);
  });

  test('inline comes before the project, and the project before what is built in', () => {
    const project = load({
      'ensembles/a.yaml':
        'name: a\nagents: [{ name: fetch, operation: code, handler: ./x.ts }]\nflow: [{ agent: fetch }]\n',
      'ensembles/b.yaml': 'name: b\nflow: [{ agent: fetch }]\n',
      'agents/fetch/agent.yaml': 'name: fetch\noperation: code\n',
    });
    expect(project.problems).toEqual([]);
    expect(project.ensembles.get('a')?.definition.tasks[0]?.name).toBe('a/fetch');
    expect(project.ensembles.get('b')?.definition.tasks[0]?.name).toBe('fetch');
    expect(project.agents.get('fetch')?.origin).toBe('file');
  });

  test('a name that is taken twice is told at both places, and neither is used', () => {
    const project = load({
      'ensembles/a.yaml': ENSEMBLE,
      'ensembles/sub/b.yaml': ENSEMBLE,
      'agents/x/agent.yaml': 'name: docs\noperation: code\n---\nname: docs\noperation: code\n',
    });
    expect(project.problems.map(shown)).toEqual(
      [
        'agents/x/agent.yaml:1:1 The agent "docs" is defined twice: in agents/x/agent.yaml:4 again',
        'agents/x/agent.yaml:4:1 The agent "docs" is defined twice: in agents/x/agent.yaml:1 already',
        'ensembles/a.yaml:1:1 The ensemble "a" is defined twice: in ensembles/sub/b.yaml:1 again',
        'ensembles/sub/b.yaml:1:1 The ensemble "a" is defined twice: in ensembles/a.yaml:1 already',
        'built-in/docs-serve.yaml:13:12 The agent "docs" has errors of its own',
      ].sort(),
    );
    expect(project.ensembles.has('a')).toBe(false);
    expect(project.agents.has('docs')).toBe(false);
  });

  test('the errors of one file never hide those of another', () => {
    expect(
      problemsOf({
        'ensembles/a.yaml': 'name: [',
        'ensembles/b.yaml': 'name: b\nflwo: 1\n',
        'agents/x/agent.yaml': '',
        'ensembles/c.yaml': ENSEMBLE,
      }),
    ).toEqual([
      'agents/x/agent.yaml:1:1 The file is empty',
      expect.stringMatching(/^ensembles\/a\.yaml:1:\d+ Not valid YAML/),
      'ensembles/b.yaml:2:1 `flwo` is not a key of an ensemble',
    ]);
  });
});

describe('the config of a step', () => {
  const step = (config: string, agent = 'name: get\noperation: http\nconfig: { method: GET }\n') =>
    problemsOf({
      'ensembles/a.yaml': `name: a\nflow:\n  - agent: get\n    config: ${config}\n`,
      'agents/get/agent.yaml': agent,
    });

  test('gives what the agent lacks', () => {
    expect(step('{ url: "https://x.example" }')).toEqual([]);
    expect(step('{ url: "${input.url}" }')).toEqual([]);
  });

  test.each([
    [
      '{ retries: 1 }',
      'ensembles/a.yaml:3:12 `config.url` is missing for agent "get": Invalid input: expected string, received undefined',
    ],
    [
      '{ url: "https://x.example", mehtod: GET }',
      'ensembles/a.yaml:4:41 `config.mehtod` is not a key of the config of agent "get"',
    ],
    [
      '{ url: "https://x.example", retries: "3" }',
      'ensembles/a.yaml:4:50 `config.retries` of agent "get": Invalid input: expected number, received string',
    ],
  ])('%s is refused at its place', (config, problem) => {
    expect(step(config)).toEqual([problem]);
  });

  test('what the agent says wrongly is told once, at the agent', () => {
    expect(
      step('{ url: "https://x.example" }', 'name: get\noperation: http\nconfig: { method: FETCH }\n').filter(
        (problem) => problem.includes('config.method'),
      ),
    ).toHaveLength(1);
  });
});

describe('any text for files', () => {
  const AGENT =
    'name: x\noperation: http\nconfig: { url: "https://x.example/${input.id}", headers: { A: "${env.A}" } }\nschema: { input: { id: string } }\nsecurity: { ssrf: false }\n';

  /** A valid file with a few pieces cut out, doubled or replaced. */
  function mutated(valid: string) {
    const junk = fc.constantFrom(
      '',
      '\n',
      ' ',
      ':',
      '-',
      '{',
      '}',
      '[',
      ']',
      '"',
      '${',
      '}}',
      '{{',
      '*',
      '&a',
      '!x',
      '#',
      '---\n',
      'null',
      '~',
      '1e999',
      '\t',
      '|',
      '__proto__: 1\n',
      'constructor',
      '../',
      'é',
      '\u0000',
    );
    const edit = fc.record({ at: fc.nat(valid.length), cut: fc.nat(8), put: junk });
    return fc
      .array(edit, { minLength: 1, maxLength: 5 })
      .map((edits) => edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), valid));
  }

  test('it never throws; what loads has no error in it, and is taken by the engine', () => {
    const file = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), mutated(ENSEMBLE), mutated(AGENT));
    fc.assert(
      fc.property(file, file, (first, second) => {
        const project = load({ 'ensembles/a.yaml': first, 'agents/x/agent.yaml': second });
        for (const { position, message } of project.problems) {
          expect(message).not.toBe('');
          expect(position.line * position.column).toBeGreaterThan(0);
        }
        const broken = new Set(
          project.problems.filter(({ severity }) => severity === 'error').map(({ position }) => position.file),
        );
        for (const { definition } of project.ensembles.values())
          expect(() => compilePlan(definition, {}, 's')).not.toThrow();
        if (!first.includes('---'))
          for (const ensemble of project.ensembles.values()) expect(broken.has(ensemble.position.file)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('a trigger is open only when the file says so, whatever else is wrong with it', () => {
    fc.assert(
      fc.property(mutated(ENSEMBLE.replace('    public: true\n', '')), (text) => {
        const project = load({ 'ensembles/a.yaml': text });
        for (const ensemble of project.ensembles.values()) {
          if (ensemble.origin === 'file') expect(ensemble.triggers.filter(({ auth }) => auth === null)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
