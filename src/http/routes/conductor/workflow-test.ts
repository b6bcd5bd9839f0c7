// Trying a definition out: the execution that would come of it, when its tasks answer what the request says. Nothing of
// it is kept; who may start the workflow may try it.
import { z } from 'zod';
import { jsonObject } from '../../../model/schema.ts';
import { type StartRequest, startRequestSchema } from '../../../model/start-request.ts';
import { TASK_STATUSES } from '../../../model/task-status.ts';
import type { Tried } from '../../../orchestrator/simulate-run.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { jsonText, type Route } from '../../route.ts';
import { runText } from '../../wire/run-text.ts';
import { requireStarter } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchDefinition } from './not-found.ts';

const answerSchema = z.object({ status: z.enum(TASK_STATUSES).default('COMPLETED'), output: jsonObject() });
const oneSchema = startRequestSchema.extend({
  taskRefToMockOutput: z
    .record(z.string(), z.array(answerSchema))
    .nullish()
    .transform((given) => given ?? {}),
});

interface Test extends z.infer<typeof oneSchema> {
  readonly subWorkflowTestRequest?: Readonly<Record<string, Test>> | null | undefined;
}

const testSchema: z.ZodType<Test> = oneSchema.extend({
  subWorkflowTestRequest: z
    .record(
      z.string(),
      z.lazy(() => testSchema),
    )
    .nullish(),
});

export function workflowTestRoutes(deps: RouteDeps): Route[] {
  const { orchestrator, renderer, access } = deps;
  return [
    {
      method: 'POST',
      path: '/api/workflow/test',
      requires: (request) => readBody(request, testSchema).then(({ name }) => permission('workflow', name, 'execute')),
      dialect: 'conductor',
      summary: 'Try a workflow out: tasks answer what the request says, and nothing is kept',
      body: testSchema,
      reply: { contentType: 'application/json' },
      async handle(request) {
        const test = await readBody(request, testSchema);
        for (const one of family(test)) requireStarter(access, request.principal, one);
        const definition = definitionOf(deps, test);
        const { plan, state } = await orchestrator.simulate({ ...tried(test), definition, input: test.input });
        const texts = await renderer.tasks([...state.tasks.values()], state.run);
        return jsonText(runText(state.run, texts, JSON.stringify(plan.definition)));
      },
    },
  ];
}

function family(test: Test): readonly StartRequest[] {
  return [test, ...Object.values(test.subWorkflowTestRequest ?? {}).flatMap(family)];
}

function definitionOf({ orchestrator }: RouteDeps, { name, version, workflowDef }: StartRequest) {
  const definition = workflowDef ?? orchestrator.definition(name, version ?? null);
  if (!definition) throw noSuchDefinition(name, version ?? null);
  return definition;
}

function tried({ workflowDef, correlationId, taskRefToMockOutput, subWorkflowTestRequest }: Test): Tried {
  const children = Object.entries(subWorkflowTestRequest ?? {}).map(([ref, test]) => [ref, tried(test)] as const);
  return {
    definition: workflowDef ?? null,
    correlationId: correlationId ?? null,
    answers: taskRefToMockOutput,
    children: Object.fromEntries(children),
  };
}
