import { describe, expect, test } from 'vitest';
import { compilePlan } from '../engine/plan/compile.ts';
import { ensembleOf, hintsOf, problemsOf } from './load-project.fixture.ts';

/** Two steps, `first` and `last`, with lines of the last one. */
const flow = (...lines: string[]) =>
  `name: a\nflow:\n  - agent: fetch\n    name: first\n  - agent: http\n    name: last\n    config: { url: "https://x.example" }\n${lines.map((line) => `    ${line}\n`).join('')}`;
const withOutput = (output: string) => `${flow()}output: ${output}\n`;

function lastInput(yaml: string): unknown {
  return ensembleOf(yaml).definition.tasks.at(-1)?.inputParameters;
}

const blocksOf = (yaml: string) => ensembleOf(yaml).definition.outputParameters.blocks;

describe('steps', () => {
  test('without an input a step gets what the one before gave', () => {
    expect(lastInput(flow())).toEqual({
      agent: 'http',
      input: '${first.output}',
      config: { url: 'https://x.example' },
      env: {},
    });
  });

  test('id comes before name, and name before the agent', () => {
    const { definition } = ensembleOf(
      'name: a\nflow:\n  - { agent: fetch, id: i, name: n }\n  - { agent: fetch, name: m }\n  - { agent: fetch }\n',
    );
    expect(definition.tasks.map((task) => task.taskReferenceName)).toEqual(['i', 'm', 'fetch']);
  });

  test.each(['first.output.ok', '${first.output.ok && input.x > 1}', '{{ first.success }}', 'true'])(
    'a condition may be %s',
    (when) => {
      expect(ensembleOf(flow(`when: ${JSON.stringify(when)}`)).definition.tasks.at(-1)?.when).toBe(when);
    },
  );
});

test('the engine takes what was compiled', () => {
  const yaml = `name: a
flow:
  - agent: fetch
    name: get-user
    input: { key: "\${env.KEY} \${input.x}", whole: $env.KEY }
  - agent: docs
    when: get-user.success
output:
  - when: input.x > 1
    status: 404
    headers: { X-Id: "\${input.x}" }
    body: { a: "\${docs.output}" }
  - _raw: \${get-user.output}
`;
  for (const source of [yaml, 'name: a\noutput: { ok: true }\n', 'name: a\n']) {
    expect(() => compilePlan(ensembleOf(source).definition, {}, 'snapshot')).not.toThrow();
  }
});

describe('secrets stay out of history', () => {
  test('every text that reads the environment is taken apart beside the input', () => {
    const yaml = `name: a
flow:
  - agent: fetch
    name: first
  - agent: http
    config:
      url: "\${env.BASE}/users/\${first.output.id}?key={{env.KEY}}"
      headers:
        Authorization: Bearer \${env.TOKEN}
        a/b~c: $env.SHORT
        X-Id: "\${input.id}"
    input:
      - "\${env.ONE}"
      - plain
`;
    expect(ensembleOf(yaml).definition.tasks[1]?.inputParameters.env).toEqual({
      '/config/url': ['${env.BASE}/users/', '${first.output.id}', '?key={{env.KEY}}'],
      '/config/headers/Authorization': ['Bearer ${env.TOKEN}'],
      '/config/headers/a~1b~0c': ['$env.SHORT'],
      '/input/0': ['${env.ONE}'],
    });
  });

  test('an input that is nothing but a secret is one, too', () => {
    expect(
      ensembleOf('name: a\nflow: [{ agent: fetch, input: "${env.X}" }]\n').definition.tasks[0]?.inputParameters.env,
    ).toEqual({ '/input': ['${env.X}'] });
  });

  test('characters that only look like an expression keep their backslash until the last reading', () => {
    const yaml = "name: a\nflow: [{ agent: fetch, input: '\\${x} ${input.a} \\${y} ${env.B}' }]\n";
    expect(ensembleOf(yaml).definition.tasks[0]?.inputParameters.env).toEqual({
      '/input': ['\\\\${x} ', '${input.a}', ' \\${y} ${env.B}'],
    });
  });

  test.each([
    [
      flow('when: env.DEBUG == "1"'),
      '8:11 `env` cannot be read here: what decides a step is kept in the history of the execution',
    ],
    [withOutput('{ key: "${env.KEY}" }'), '8:19 `env` cannot be read here: it would be in the answer'],
    [withOutput('{ key: $env.KEY }'), '8:17 `env` cannot be read here: it would be in the answer'],
  ])('%j does not load', (yaml, problem) => {
    expect(problemsOf(yaml)).toContain(problem);
  });

  test('one expression never reads both the environment and data', () => {
    expect(problemsOf(flow('input: "${env.KEY + input.x}"'))[0]).toMatch(
      /^8:\d+ One expression reads both `env` and data/,
    );
  });
});

describe('expressions are looked at when the file loads (S19)', () => {
  test.each([
    [
      'input: { x: "${frist.output.x}" }',
      '8:20 Nothing is called `frist` here: neither the input nor a step before',
      'Did you mean `first`?',
    ],
    [
      'input: { x: "${last.output}" }',
      '8:20 The step "last" has not run yet at this place',
      'A step reads the steps before it: move it down, or the other one up.',
    ],
    [
      'input: { x: "${scoring.score}" }',
      '8:20 Nothing is called `scoring` here: neither the input nor a step before',
      'Known here: input, trigger, state, first, env.',
    ],
    [
      'when: first-1 > 0',
      '8:11 Nothing is called `first-1` here: neither the input nor a step before',
      '`first-1` is one name: put spaces round the minus to subtract.',
    ],
  ])('%s', (line, problem, hint) => {
    expect(problemsOf(flow(line))).toEqual([problem]);
    expect(hintsOf(flow(line))).toEqual([hint]);
  });

  test.each([
    'input: "${input.x"',
    'input: "${input.}"',
    'input: "${1 +}"',
    'when: "input.x >"',
    'input: "${}"',
    'input: { deep: [{ x: "${input.x | nofilter}" }] }',
  ])('a mistake in %s has its line', (line) => {
    const [problem] = problemsOf(flow(line));
    expect(problem).toMatch(/^8:\d+ /);
  });

  test('a mistake in a block of several lines has its own line and column', () => {
    const yaml = flow('input:', '  text: |', '    Hello', '    you ${nobody.name}');
    expect(problemsOf(yaml)).toEqual(['11:15 Nothing is called `nobody` here: neither the input nor a step before']);
  });

  test('the output may read every step', () => {
    expect(problemsOf(withOutput('{ a: "${first.output}", b: "${last.status}", c: "${nothing.x}" }'))).toEqual([
      '8:60 Nothing is called `nothing` here: neither the input nor a step before',
    ]);
  });

  test('an agent reads what it is given, and nothing of the ensemble', () => {
    const yaml =
      'name: a\nagents:\n  - name: one\n    operation: http\n    config: { url: "https://x.example/${first.output}" }\n';
    expect(problemsOf(yaml)).toEqual(['5:41 Nothing is called `first` here: neither the input nor a step before']);
  });
});

describe('output (S19)', () => {
  test('none: what the last step gives', () => {
    expect(ensembleOf(flow()).definition.outputParameters).toEqual({});
  });

  test.each([
    ['{ _raw: "${last.output}" }', [{ body: '${last.output}', raw: true }]],
    ['{ id: 1, status: ok }', [{ body: { id: 1, status: 'ok' } }]],
    ['{ status: ok }', [{ body: { status: 'ok' } }]],
    ['{}', [{ body: {} }]],
    ['"${last.output.list}"', [{ body: '${last.output.list}' }]],
    ['{ status: 201, body: { id: 1 } }', [{ status: 201, body: { id: 1 } }]],
    [
      '{ status: "${input.status}", headers: { X-A: 1 }, body: x }',
      [{ status: '${input.status}', headers: { 'X-A': '1' }, body: 'x' }],
    ],
    ['{ rawBody: hello }', [{ headers: { 'Content-Type': 'text/plain' }, body: 'hello', raw: true }]],
    [
      '{ rawBody: <p>, headers: { content-type: text/html } }',
      [{ headers: { 'content-type': 'text/html' }, body: '<p>', raw: true }],
    ],
    ['{ redirect: { url: "/x/${last.output.id}" } }', [{ redirect: { url: '/x/${last.output.id}', status: 302 } }]],
    ['{ redirect: { url: /x, status: 308 } }', [{ redirect: { url: '/x', status: 308 } }]],
    ['{ body: "${last.output}", format: csv }', [{ format: { type: 'csv' }, body: '${last.output}' }]],
    [
      '{ body: {}, format: { type: html, extract: html, contentType: text/html } }',
      [{ format: { type: 'html', extract: 'html', contentType: 'text/html' }, body: {} }],
    ],
    [
      '[{ when: last.failed, status: 502, body: no }, { body: yes }]',
      [{ when: '${last.failed}', status: 502, body: 'no' }, { body: 'yes' }],
    ],
    ['[{ when: "${input.a}", _raw: x }]', [{ when: '${input.a}', body: 'x', raw: true }]],
  ])('%s', (output, blocks) => {
    expect(blocksOf(withOutput(output))).toEqual(blocks);
  });

  test.each([
    ['{ status: 99, body: x }', '8:19 `output.status` must be a whole number from 100 to 599, not 99'],
    [
      '{ status: twohundred, body: x }',
      '8:19 `output.status` must be a whole number from 100 to 599, not "twohundred"',
    ],
    ['{ _raw: x, other: y }', '8:20 `other` is not a key of an output block'],
    ['{ body: x, rawBody: y }', '8:29 `body` and `rawBody` are given both'],
    [
      '{ body: x, format: pdf }',
      '8:28 "pdf" is not a format: json, text, html, xml, csv, markdown, yaml, ics, rss, atom',
    ],
    ['{ redirect: /x }', '8:21 `redirect` must be a mapping'],
    ['{ redirect: { url: /x, status: 200 } }', '8:40 The status of a redirect is one of 301, 302, 303, 307, 308'],
    ['{ body: x, headers: { "X A": y } }', '8:31 "X A" is not the name of a header'],
    ['{ body: x, headers: { X-A: "a\\r\\nSet-Cookie: b" } }', '8:36 The header X-A must be one line'],
    ['[{ bdoy: x }]', '8:12 `bdoy` is not a key of an output block'],
    ['[]', '8:9 `output` is an empty list'],
    ['[{ when: "input.x >", body: x }]', null],
    ['', '8:9 `output` is empty'],
  ])('%s is refused', (output, problem) => {
    const [first] = problemsOf(withOutput(output));
    if (problem === null) expect(first).toMatch(/^8:\d+ /);
    else expect(first).toBe(problem);
  });

  test('a block behind one that always holds is a warning', () => {
    expect(problemsOf(withOutput('[{ body: x }, { body: y }]'), 'warning')).toEqual([
      '8:23 This block is never reached: the one in line 8 has no `when`',
    ]);
  });
});
