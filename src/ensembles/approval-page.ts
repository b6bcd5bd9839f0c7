// What a person sees who opens an approval link: what is asked, and a form to answer it. Plain HTML: no script, nothing
// from elsewhere. Everything shown is data, and escaped.
import { html, type Markup } from '../operations/docs/markup.ts';
import type { ApprovalState, AskedByToken } from './approvals.ts';

const SAID: Record<Exclude<ApprovalState, 'pending'>, string> = {
  voted: 'Your vote is counted. Others still have to decide.',
  approved: 'It has been approved.',
  rejected: 'It has been rejected.',
  timeout: 'The time for this decision is over.',
  cancelled: 'The execution ended before a decision was made.',
};

/** The form goes to the page's own address. */
export function approvalPage({ approver, description, expiresAt, status, title }: AskedByToken): string {
  const about = html`${description === null ? null : html`<p>${description}</p>`}<p>You decide as <b>${approver}</b>.</p>`;
  if (status !== 'pending') return page(title ?? 'Approval', html`${about}<p role="status">${SAID[status]}</p>`);
  const until = new Date(expiresAt).toISOString();
  return page(
    title ?? 'Your approval is asked for',
    html`${about}<p>Open until <time datetime="${until}">${until}</time>.</p>
<form method="post">
<p><label>Feedback (optional)<br><textarea name="feedback" rows="4" cols="60" maxlength="10000"></textarea></label></p>
<p><button name="decision" value="approve">Approve</button> <button name="decision" value="reject">Reject</button></p>
</form>`,
  );
}

export function approvalNotice(title: string, message: string): string {
  return page(title, html`<p role="status">${message}</p>`);
}

function page(title: string, body: Markup): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>${title}</title></head>
<body><main><h1>${title}</h1>${body}</main></body></html>
`.text;
}
