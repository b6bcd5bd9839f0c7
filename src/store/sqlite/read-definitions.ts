// Reads of what is kept whole in memory by its owners: definitions, task definitions, API keys.
import type { ApiKeyRecord } from '../../model/api-key.ts';
import type { EventHandler } from '../../model/event-handler.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import type { Reads } from '../reads.ts';
import { documentOf } from '../rows/text-column.ts';
import type { Querier } from './readers.ts';

export function definitionReads(
  querier: Querier,
): Pick<Reads, 'definitions' | 'taskDefinitions' | 'eventHandlers' | 'apiKeys'> {
  return {
    definitions: async () => {
      const rows = await querier.all('select document from definition order by name, version');
      return rows.map((row) => documentOf<WorkflowDefinition>(row));
    },

    taskDefinitions: async () => {
      const rows = await querier.all('select document from task_definition order by name');
      return rows.map((row) => documentOf<TaskDefinition>(row));
    },

    eventHandlers: async () => {
      const rows = await querier.all('select document from event_handler order by name');
      return rows.map((row) => documentOf<EventHandler>(row));
    },

    apiKeys: async () => {
      const rows = await querier.all('select document from api_key order by id');
      return rows.map((row) => documentOf<ApiKeyRecord>(row));
    },
  };
}
