// What a person sees who opens an approval link: what is asked, and a form to answer it. Plain HTML: no script, nothing
// from elsewhere. Everything shown is data, and escaped.
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { html, type Markup, trusted } from '../operations/docs/markup.ts';
import type { ApprovalState, AskedByToken } from './approvals.ts';

const SAID: Record<Exclude<ApprovalState, 'pending'>, string> = {
  voted: 'Your vote is counted. Others still have to decide.',
  approved: 'It has been approved.',
  rejected: 'It has been rejected.',
  timeout: 'The time for this decision is over.',
  cancelled: 'The execution ended before a decision was made.',
};

const STYLE = `:root{color-scheme:light dark;--accent:light-dark(#1a5fb4,#99c1f1);--on-accent:light-dark(#fff,#101418)}
body{margin:0;font:1rem/1.5 system-ui,sans-serif}
main{max-width:40rem;margin:0 auto;padding:2rem 1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25}
textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;margin-top:.25rem}
button{min-height:2.75rem;padding:0 1.5rem;font:inherit;border:1px solid var(--accent);border-radius:.375rem;cursor:pointer}
button[value=approve]{background:var(--accent);color:var(--on-accent)}
button[value=reject]{background:transparent;color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}`;

/** What the page's policy lets in: its one style sheet, by hash. */
export const APPROVAL_STYLE = `'sha256-${btoa(String.fromCharCode(...sha256(utf8ToBytes(STYLE))))}'`;

const WHEN = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** The form goes to the page's own address. */
export function approvalPage(asked: AskedByToken): string {
  const { approver, description, expiresAt, minApprovals, status, title } = asked;
  const about = html`${description === null ? null : html`<p>${description}</p>`}<p>You decide as <b>${approver}</b>${
    minApprovals > 1 ? `; ${minApprovals} people must approve` : ''
  }.</p>`;
  if (status !== 'pending') return page(title ?? 'Approval', html`${about}<p role="status">${SAID[status]}</p>`);
  const until = new Date(expiresAt).toISOString();
  const shown = `${WHEN.format(expiresAt)} UTC`;
  return page(
    title ?? 'Your approval is asked for',
    html`${about}<p>Open until <time datetime="${until}">${shown}</time>.</p>
<form method="post">
<p><label>Feedback (optional)<br><textarea name="feedback" rows="4" maxlength="10000"></textarea></label></p>
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
<meta name="robots" content="noindex"><title>${title}</title><style>${trusted(STYLE)}</style></head>
<body><main><h1>${title}</h1>${body}</main></body></html>
`.text;
}
