// The workflow that several parts load: a dynamic fork of worker tasks over a list, and its join.

export function fanOut(name: string, taskType: string): object {
  return {
    name,
    version: 1,
    tasks: [
      {
        name: 'fan',
        taskReferenceName: 'fan',
        type: 'FORK_JOIN_DYNAMIC',
        inputParameters: { forkTaskName: taskType, forkTaskInputs: '${workflow.input.items}' },
      },
      { name: 'join', taskReferenceName: 'join', type: 'JOIN' },
    ],
  };
}

export function itemsOf(count: number): string {
  return JSON.stringify({ items: Array.from({ length: count }, (_, n) => ({ n })) });
}
