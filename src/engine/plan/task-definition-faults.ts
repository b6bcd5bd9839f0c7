// What a task definition must satisfy beyond its shape: its time limits must fit into each other.
import type { FieldError } from '../../model/error.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';

/** Every fault, none when it may be registered. */
export function taskDefinitionFaults(definition: TaskDefinition): FieldError[] {
  const { timeoutSeconds, responseTimeoutSeconds, totalTimeoutSeconds } = definition;
  const faults: FieldError[] = [];
  if (responseTimeoutSeconds < 1) {
    faults.push({
      path: 'responseTimeoutSeconds',
      message: 'responseTimeoutSeconds must be at least 1',
      invalidValue: String(responseTimeoutSeconds),
    });
  }
  if (timeoutSeconds > 0 && responseTimeoutSeconds > timeoutSeconds) {
    faults.push({
      path: 'responseTimeoutSeconds',
      message: `responseTimeoutSeconds: ${responseTimeoutSeconds} must not exceed timeoutSeconds: ${timeoutSeconds}`,
      invalidValue: String(responseTimeoutSeconds),
    });
  }
  if (totalTimeoutSeconds > 0 && timeoutSeconds > totalTimeoutSeconds) {
    faults.push({
      path: 'totalTimeoutSeconds',
      message: `totalTimeoutSeconds: ${totalTimeoutSeconds} must not be less than timeoutSeconds: ${timeoutSeconds}`,
      invalidValue: String(totalTimeoutSeconds),
    });
  }
  return faults;
}
