import { describe, expect, test } from 'vitest';
import { ensembleOf, hintsOf, load, problemsOf } from './load-project.fixture.ts';

describe('what an ensemble may say', () => {
  test('both dialects mean the same', () => {
    const ours = ensembleOf(
      'name: a\ninput:\n  x: 1\nflow:\n  - agent: fetch\n    input: { y: 2 }\n    when: input.x > 0\noutput:\n  z: 3\n',
    );
    const other = ensembleOf(
      'ensemble: a\ninputs:\n  x: 1\nflow:\n  - agent: fetch\n    inputs: { y: 2 }\n    condition: input.x > 0\noutputs:\n  z: 3\n',
    );
    expect(other.definition).toEqual(ours.definition);
    expect(other.inputs).toEqual(ours.inputs);
  });

  test('inline agents without a flow are the steps, with their input and condition', () => {
    const { definition, agents } = ensembleOf(`name: a
agents:
  - name: first
    operation: http
    config: { url: "https://example.com/\${input.id}" }
  - agent: second
    operation: code
    handler: ./second.ts
    inputs: { body: "\${first.output.body}" }
    condition: first.success
`);
    expect(definition.tasks).toMatchObject([
      {
        name: 'a/first',
        taskReferenceName: 'first',
        inputParameters: { agent: 'a/first', input: '${input}', config: {} },
      },
      {
        name: 'a/second',
        taskReferenceName: 'second',
        when: 'first.success',
        inputParameters: { input: { body: '${first.output.body}' } },
      },
    ]);
    expect(agents.get('first')?.config).toEqual({ url: 'https://example.com/${input.id}' });
    expect(agents.get('second')).toMatchObject({
      handler: 'ensembles/second.ts',
      schema: { input: null, output: null },
    });
  });

  test('description, version, tags, metadata and examples are words for readers', () => {
    const ensemble = ensembleOf(
      'name: a\ndescription: Says hello\nversion: 1.2\ntags: [x]\nmetadata: { team: y }\nexamples: []\ndurable: true\nflow: [{ agent: fetch, description: gets it }]\n',
    );
    expect(ensemble).toMatchObject({
      description: 'Says hello',
      durable: true,
      definition: { version: 1, description: 'Says hello' },
    });
  });

  test('state begins as it says', () => {
    expect(
      ensembleOf('name: a\nstate:\n  initial: { count: 0 }\nflow: [{ agent: fetch }]\n').definition.variables,
    ).toEqual({ state: { count: 0 } });
  });

  test('an ensemble of an answer alone is one', () => {
    const { definition } = ensembleOf('name: a\noutput:\n  status: ok\n  since: "${input.since}"\n');
    expect(definition.tasks).toMatchObject([{ type: 'NOOP' }]);
    expect(definition.outputParameters).toEqual({ blocks: [{ body: { status: 'ok', since: '${input.since}' } }] });
  });

  test('one that does nothing at all is a warning', () => {
    expect(problemsOf('name: a\n', 'warning')).toEqual([
      '1:1 The ensemble "a" does nothing: it has neither a flow nor an output',
    ]);
  });
});

describe('errors say what, where, and how to mend it', () => {
  test.each([
    ['flwo: []\nname: a', '1:1 `flwo` is not a key of an ensemble', 'Did you mean `flow`?'],
    [
      'name: a\npath: /x\nflow: [{ agent: fetch }]',
      '2:1 `path` is not a key of an ensemble',
      '`path` belongs to a trigger: indent it under `trigger:`.',
    ],
    [
      'name: a\nscoring: {}\nflow: [{ agent: fetch }]',
      '2:1 `scoring` of an ensemble is not supported yet by this version',
      'Remove it.',
    ],
    ['flow: [{ agent: fetch }]', '1:1 An ensemble needs a name', 'Add `name: my-ensemble`.'],
    [
      'name: a b\nflow: [{ agent: fetch }]',
      '1:7 "a b" cannot be the name of an ensemble: letters, digits, "-", "_" and "." only, up to 200',
      'Write `name: a-b`.',
    ],
    ['name: 12\nflow: [{ agent: fetch }]', '1:7 `name` must be text, not 12', 'Put it in quotes: `name: "12"`.'],
    ['name: a\nensemble: b\nflow: [{ agent: fetch }]', '2:1 `ensemble` and `name` mean the same', 'Keep one of them.'],
    [
      'name: a\nflow:\n  agent: fetch',
      '3:3 `flow` must be a list, not a mapping',
      'Put a line `- …` under `flow:` for each.',
    ],
    ['name: a\nflow: []', '2:7 `flow` is empty', 'Add `- agent: <name>`.'],
    ['name: a\nflow:\n  - fetch', '3:5 A step is a mapping', 'Write `- agent: fetch`.'],
    ['name: a\nflow:\n  - name: x', '3:5 A step needs its agent', 'Add `agent: <name>`.'],
    [
      'name: a\nflow:\n  - agent: fetch@v2',
      '3:12 "fetch@v2": versions of agents are not supported yet by this version',
      'Write `agent: fetch`.',
    ],
    [
      'name: a\nflow:\n  - agent: fetch\n  - agent: fetch',
      '4:12 Two steps are called "fetch": the first is in line 3',
      'Give this one a name of its own: `name: fetch-2`.',
    ],
    [
      'name: a\nflow:\n  - { agent: fetch, name: input }',
      '3:27 "input" cannot be the name of a step: it means something else in expressions',
      'Give the step another name: `name: step-input`.',
    ],
    [
      'name: a\nflow:\n  - { agent: fetch, name: 2nd }',
      '3:27 "2nd" cannot be the name of a step: expressions could not name it',
      'Give the step another name: `name: step-nd`.',
    ],
    [
      'name: a\nflow:\n  - { agent: fetch, retry: { attempts: 3 } }',
      '3:21 `retry` of a step is not supported yet by this version',
      'Remove it.',
    ],
    ['name: a\nflow:\n  - { agent: fetch, wen: true }', '3:21 `wen` is not a key of a step', 'Did you mean `when`?'],
    [
      'name: a\nflow:\n  - { agent: fetch, config: [] }',
      '3:29 `flow[0].config` must be a mapping, not a list',
      'Put `key: value` lines under `config:`, indented.',
    ],
    [
      'name: a\nagents: [{ name: x, operation: code, handler: ./x.ts, input: {} }]\nflow: [{ agent: x }]',
      '2:55 `input` of the inline agent "x" has no effect beside a flow',
      'Move it to the step: `- agent: x`.',
    ],
    [
      '- name: a',
      '1:1 The document must be an ensemble: a mapping with name, description, trigger, input…, not a list',
      'Write `name: …`.',
    ],
    [
      'name: a\napiExecutable: no\nflow: [{ agent: fetch }]',
      '2:16 `apiExecutable` must be true or false, not "no"',
      'Write `apiExecutable: true` or `apiExecutable: false`, without quotes.',
    ],
  ])('%j', (yaml, problem, hint) => {
    expect(problemsOf(yaml)[0]).toBe(problem);
    expect(hintsOf(yaml)[0]).toBe(hint);
    expect(load({ 'ensembles/a.yaml': yaml }).ensembles.has('a')).toBe(false);
  });

  test.each(['parallel', 'branch', 'foreach', 'try', 'switch', 'while', 'map-reduce'])(
    'the flow element %s is of a later version, in both spellings',
    (type) => {
      const told = `The flow element \`${type}\` is not supported yet by this version`;
      expect(problemsOf(`name: a\nflow:\n  - type: ${type}\n    steps: []\n`)).toEqual([`3:11 ${told}`]);
      expect(problemsOf(`name: a\nflow:\n  - ${type}:\n      - agent: fetch\n`)).toEqual([`3:5 ${told}`]);
    },
  );

  test('one look at the problems mends them all', () => {
    expect(
      problemsOf(
        'name: a\nscoring: {}\ntrigger:\n  - type: http\n    path: x\nflow:\n  - agent: fetch\n    inptu: 1\n',
      ),
    ).toHaveLength(4);
  });
});

describe('agents', () => {
  const agent = (yaml: string) => load({ 'agents/x/agent.yaml': yaml });

  test('everything of an agent file', () => {
    const project = agent(`name: x
operation: http
description: Gets it
version: 1.0.0
tags: [a]
examples: [{ input: {} }]
config:
  url: https://example.com/\${input.id}
  headers: { Authorization: "Bearer \${env.TOKEN}" }
schema:
  input: { id: string }
  output: { type: object }
timeout: 1000
`);
    expect(project.problems).toEqual([]);
    expect(project.agents.get('x')).toEqual({
      id: 'x',
      name: 'x',
      operation: 'http',
      description: 'Gets it',
      config: { url: 'https://example.com/${input.id}', headers: { Authorization: 'Bearer ${env.TOKEN}' } },
      schema: { input: { id: 'string' }, output: { type: 'object' } },
      apiExecutable: undefined,
      ssrf: true,
      timeoutMs: 1000,
      handler: null,
      origin: 'file',
      position: { file: 'agents/x/agent.yaml', line: 1, column: 1 },
    });
  });

  test.each([
    ['operation: code', 'An agent needs a name', 'Add `name: x`.'],
    [
      'name: x',
      'An agent needs an operation',
      'Add `operation: code` and a handler, or another operation such as `operation: http`.',
    ],
    ['name: x\noperation: htpp', '"htpp" is not an operation: code, http, docs', 'Did you mean `http`?'],
    [
      'name: x\noperation: think',
      'The operation `think` is not supported yet by this version',
      'Use one of code, http, docs.',
    ],
    [
      'name: x\noperation: code\nlogging: {}',
      '`logging` of an agent is not supported yet by this version',
      'Remove it.',
    ],
    [
      'name: x\noperation: code\nflow: []',
      '`flow` is not a key of an agent',
      '`flow` belongs to an ensemble: move it to a file under ensembles/.',
    ],
    ['name: x\noperation: code\nsecurity: { srf: false }', '`srf` is not a key of security', 'Did you mean `ssrf`?'],
    [
      'name: x\noperation: docs\nhandler: ./x.ts',
      'Only agents of operation code have a handler, not docs',
      'Write `operation: code`, or remove the handler.',
    ],
    [
      'name: x\noperation: code\nhandler: ../../../etc/passwd',
      'The handler "../../../etc/passwd" does not lie inside the project',
      'Write a path relative to this file: `handler: ./index.ts`.',
    ],
    [
      'name: x\noperation: code\nhandler: /etc/passwd',
      'The handler "/etc/passwd" does not lie inside the project',
      'Write a path relative to this file: `handler: ./index.ts`.',
    ],
    [
      'name: x\noperation: code\nschema: { input: { id: strng } }',
      '`schema.input` is not a schema: "strng" of `id` is not a type: string, number, integer, boolean, object, array or any, with [] for a list and ? for optional',
      'Write JSON Schema, or lines like `url: string` and `count: number?`.',
    ],
    [
      'name: x\noperation: http\nconfig: { url: "https://a.example", retires: 2 }',
      '`config.retires` is not a key of the config of agent "x"',
      'Did you mean `retries`?',
    ],
    [
      'name: x\noperation: http\nconfig: { url: 5 }',
      '`config.url` of agent "x": Invalid input: expected string, received number',
      null,
    ],
    [
      'name: x\noperation: http\nconfig: { method: GET }',
      '`config.url` is missing for agent "x": Invalid input: expected string, received undefined',
      'Add `url` to `config`.',
    ],
  ])('%j', (yaml, message, hint) => {
    const { problems, agents } = agent(yaml);
    expect(problems).toMatchObject([{ message, hint, position: { file: 'agents/x/agent.yaml' } }]);
    expect(agents.has('x')).toBe(false);
  });

  test('what an expression will say is not judged before', () => {
    expect(
      agent(
        'name: x\noperation: http\nconfig: { url: "${input.url}", method: "${input.method}", retries: "${input.n}" }',
      ).problems,
    ).toEqual([]);
  });

  test('inputs and outputs are the schemas, in the other dialect', () => {
    expect(
      agent('agent: x\noperation: code\ninputs: { id: string }\noutputs: { ok: boolean }\n').agents.get('x')?.schema,
    ).toEqual({ input: { id: 'string' }, output: { ok: 'boolean' } });
  });
});
