// Reads of what is kept whole in memory by its owners: definitions, task definitions, API keys.
// Names are in the order of their bytes, as in every store, whatever the database's language is.
import type { ApiKeyRecord } from '../../model/api-key.ts';
import type { EventHandler } from '../../model/event-handler.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import type { Reads } from '../reads.ts';
import type { Querier } from './querier.ts';
import { documentOf } from './text-column.ts';

export function definitionReads(
  querier: Querier,
): Pick<Reads, 'definitions' | 'taskDefinitions' | 'eventHandlers' | 'apiKeys'> {
  return {
    definitions: async () => {
      const rows = await querier.all('select document from definition order by name collate "C", version', []);
      return rows.map((row) => documentOf<WorkflowDefinition>(row));
    },

    taskDefinitions: async () => {
      const rows = await querier.all('select document from task_definition order by name collate "C"', []);
      return rows.map((row) => documentOf<TaskDefinition>(row));
    },

    eventHandlers: async () => {
      const rows = await querier.all('select document from event_handler order by name collate "C"', []);
      return rows.map((row) => documentOf<EventHandler>(row));
    },

    apiKeys: async () => {
      const rows = await querier.all('select document from api_key order by id collate "C"', []);
      return rows.map((row) => documentOf<ApiKeyRecord>(row));
    },
  };
}
