// Tells a webhook that a decision is asked for, with one link per approver. The receiver is trusted with all of them: it
// must hand each to the approver it names, and to nobody else.

import type { SafeFetch } from '../../egress/egress.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { AgentError } from '../operation.ts';
import type { ApprovalTokens } from './approval-tokens.ts';

export interface AskedApproval {
  readonly executionId: string;
  readonly taskId: string;
  /** Of the APPROVAL task: its input and its output, as stored. */
  readonly input: JsonObject;
  readonly output: JsonObject;
}

const TIMEOUT_MS = 10_000;

/** False when nobody wanted to be told. Throws when the webhook did not take it. */
export async function notifyApprovers(
  asked: AskedApproval,
  tokens: ApprovalTokens,
  safeFetch: SafeFetch,
  publicUrl: string,
): Promise<boolean> {
  const config = isJsonObject(asked.input.config) ? asked.input.config : {};
  const target = isJsonObject(config.notificationConfig) ? config.notificationConfig : {};
  const { webhookUrl, baseUrl = publicUrl } = target;
  if (config.notificationChannel !== 'webhook' || typeof webhookUrl !== 'string' || typeof baseUrl !== 'string') {
    return false;
  }
  const approvers = Array.isArray(config.approvers) ? config.approvers : [];
  const links = approvers.flatMap((approver) =>
    typeof approver === 'string' ? [{ approver, url: callbackUrl(baseUrl, tokens.issue(asked.taskId, approver)) }] : [],
  );
  const notice = {
    type: 'approval.requested',
    executionId: asked.executionId,
    taskId: asked.taskId,
    title: config.title ?? null,
    description: config.description ?? null,
    expiresAt: asked.output.expiresAt ?? null,
    links,
  };
  const response = await safeFetch(webhookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notice),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new AgentError(`The approval webhook answered ${response.status}`);
  return true;
}

/** Decided by POST: programs that look into links must not decide by looking. */
function callbackUrl(baseUrl: string, token: string): string {
  return `${baseUrl.replace(/\/+$/, '')}/callback/${token}`;
}
