// What the API answers, as far as the cluster's tests look at it.

export interface HandedTask {
  readonly taskId: string;
  readonly workflowInstanceId: string;
  readonly taskDefName: string;
  readonly retryCount: number;
  readonly pollCount: number;
  readonly inputData: {
    readonly value?: number;
    readonly fails?: number;
    readonly key?: string;
    readonly parts?: Readonly<Record<string, unknown>> | readonly unknown[];
  };
}

export interface StoredTask {
  readonly taskId: string;
  readonly taskType: string;
  readonly taskDefName: string;
  readonly referenceTaskName: string;
  readonly status: string;
  readonly seq: number;
  readonly retryCount: number;
  readonly pollCount: number;
  readonly startTime: number;
  readonly endTime: number;
  readonly inputData: { readonly duration?: string };
  readonly outputData: { readonly nonce?: string };
  readonly subWorkflowId?: string;
}

export interface StoredRun {
  readonly workflowId: string;
  readonly workflowName: string;
  readonly status: string;
  readonly input: { readonly value: number };
  readonly output: { readonly value?: number };
  readonly tasks: readonly StoredTask[];
}
