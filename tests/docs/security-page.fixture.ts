// The blocks of the security page that this product is built to, as it prints them; YAML has the indentation that it must
// have had. Nothing here is changed to suit us: what could not be as printed is said in the guide to security.

export const YAML = {
  publicApi: `name: public-api
trigger:
  - type: http
    path: /api/users/:id
    methods: [GET]
    public: true  # Must be explicit!
flow:
  - agent: fetch-user
`,
  bearer: `# In ensemble trigger config
auth:
  type: bearer
  secret: \${env.JWT_SECRET}
`,
  apiKey: `trigger:
  - type: http
    path: /api/data
    auth:
      type: apiKey  # Uses API_KEYS KV namespace
`,
  apiExecutable: `# Ensemble that cannot be executed via API
name: internal-workflow
apiExecutable: false  # Prevents API execution
---
# Agent that requires explicit opt-in
agent: sensitive-operation
apiExecutable: true  # Required when requireExplicit: true
`,
  strict: `# This ensemble CAN be executed via API
name: public-workflow
apiExecutable: true
---
# This ensemble CANNOT be executed via API (no apiExecutable)
name: internal-only
# apiExecutable defaults to undefined, so blocked when requireExplicit: true
`,
  docsServe: `# Default docs-serve ensemble (built-in)
name: docs-serve
trigger:
  - type: http
    paths:
      - path: /docs
        methods: [GET]
      - path: /docs/:slug
        methods: [GET]
    public: true  # Explicitly public for docs
`,
  docsInternal: `# ensembles/docs-internal.yaml
name: docs-internal
trigger:
  - type: http
    path: /docs/internal
    methods: [GET]
    public: false  # Requires authentication
flow:
  - name: render
    agent: docs
    config:
      title: Internal Documentation
      basePath: /docs/internal
output:
  _raw: \${render.output}
`,
  proxy: `# agent.yaml
name: internal-service-proxy
operation: code
handler: ./proxy.ts
security:
  ssrf: false  # ⚠️ Disables SSRF protection for this agent only
`,
};

export const CONFIGS = {
  unkey: `// conductor.config.ts
export default {
  auth: {
    provider: 'unkey',
    rootKey: process.env.UNKEY_ROOT_KEY,
  },
}
`,
  autoPermissions: `// conductor.config.ts
export default {
  security: {
    autoPermissions: true,
  },
}
`,
  everything: `// conductor.config.ts
export default {
  auth: {
    /**
     * Require authentication on /api/* routes
     * @default true (SECURE BY DEFAULT)
     */
    requireAuth: true,
    /** List of valid API keys (for simple setups) */
    apiKeys: [process.env.API_KEY],
    /** Allow anonymous access (not recommended for production) */
    allowAnonymous: false,
  },
  security: {
    /**
     * Allow direct agent execution via /api/v1/execute/agent/:name
     * Set to false to only allow ensemble execution
     * @default true
     */
    allowDirectAgentExecution: true,
    /**
     * Automatically require resource-specific permissions
     * When true, executing ensemble "foo" requires permission "ensemble:foo:execute"
     * @default false
     */
    autoPermissions: false,
  },
  /**
   * API execution controls
   * Controls which agents and ensembles can be executed via the Execute API
   */
  api: {
    execution: {
      agents: {
        /**
         * When true, agents must have apiExecutable: true to be executable via API
         * When false (default), all agents are executable unless apiExecutable: false
         */
        requireExplicit: false,
      },
      ensembles: {
        /**
         * When true, ensembles must have apiExecutable: true to be executable via API
         * When false (default), all ensembles are executable unless apiExecutable: false
         */
        requireExplicit: false,
      },
    },
  },
}
`,
  strict: `// conductor.config.ts
export default {
  api: {
    execution: {
      ensembles: { requireExplicit: true },  // Require opt-in
      agents: { requireExplicit: true },
    },
  },
}
`,
  noDirect: `// conductor.config.ts
export default {
  security: {
    allowDirectAgentExecution: false,
  },
}
`,
  open: `export default {
  auth: {
    requireAuth: false,
  },
}
`,
};

/** Blocks that import the package themselves. */
export const MODULES = {
  safeFetch: `// This happens automatically in agents that accept user URLs
import { safeFetch, validateURL } from '@ensemble-edge/conductor'
// safeFetch blocks requests to private IPs
await safeFetch(userProvidedUrl) // Throws if URL is unsafe
// You can also validate URLs manually
validateURL(url) // Throws if URL points to private/internal address
`,
  bypass: `import { safeFetch } from '@ensemble-edge/conductor'
// WARNING: Only use this for trusted, hardcoded URLs
// Never use allowInternalRequests with user-provided URLs
const response = await safeFetch(internalServiceUrl, {
  allowInternalRequests: true,
})
`,
};

export const HANDLERS = {
  fetches: `// Your custom agent - SSRF protection is automatic
export default async function(context: AgentExecutionContext) {
  const { fetch, input } = context
  // This fetch is SSRF-protected - blocks private IPs automatically
  const response = await fetch(input.userProvidedUrl)
  return { data: await response.json() }
}
`,
  jurisdiction: `export default async function(context: AgentExecutionContext) {
  const { location, input } = context
  // Automatic jurisdiction detection
  if (location?.isGDPR) {
    // User is in EU/EEA/UK - opt-in consent required
    if (!input.consents?.analytics) {
      return { requiresConsent: true, jurisdiction: 'GDPR' }
    }
  }
  if (location?.isCCPA) {
    // User is in California - opt-out model
    // Can process unless user has opted out
  }
  // Process with appropriate compliance
  return processUserData(input)
}
`,
  consent: `export default async function(context: AgentExecutionContext) {
  const { location } = context
  // Check specific consent purposes
  const purposes = ['analytics', 'marketing', 'personalization']
  const requiredConsents = purposes.filter(
    purpose => location?.requiresConsent(purpose as any)
  )
  return {
    consentModel: location?.consentModel, // 'opt-in' | 'opt-out' | 'none'
    requiredConsents,
    jurisdiction: location?.jurisdiction
  }
}
`,
  bots: `export default async function(context: AgentExecutionContext) {
  const { edge } = context
  // Detect automated traffic
  if (edge?.isFromCloudProvider()) {
    // Requests from AWS, GCP, Azure often indicate bots
    return { action: 'challenge', reason: edge.getCloudProvider() }
  }
  // Check for modern protocols
  if (!edge?.isModernTLS()) {
    // Outdated clients may be suspicious
    return { action: 'warn', reason: 'legacy_tls' }
  }
  return { action: 'allow' }
}
`,
};

/** What the page's TypeScript takes as given. */
export const DECLARED = `import type { AgentExecutionContext } from '@ensemble-edge/conductor';
declare function processUserData(input: unknown): unknown;
declare const userProvidedUrl: string, url: string, internalServiceUrl: string;
`;

export const REQUESTS = `# Execute an ensemble
POST /api/v1/execute/ensemble/invoice-pdf
Authorization: Bearer <token>
Content-Type: application/json

{"input": {"orderId": "12345"}}

# Execute an agent directly (if enabled)
POST /api/v1/execute/agent/http
Authorization: Bearer <token>
Content-Type: application/json

{"input": {"url": "https://api.example.com/data"}}
`;

export const CURLS = `curl -X POST https://your-worker.workers.dev/api/v1/execute/ensemble/my-workflow \\
  -H "Authorization: Bearer eyJhbGciOiJIUzI1NiIs..." \\
  -H "Content-Type: application/json" \\
  -d '{"input": {}}'
curl -X POST https://your-worker.workers.dev/api/v1/execute/ensemble/my-workflow \\
  -H "X-API-Key: cnd_live_xxxxxxxxxxxx" \\
  -H "Content-Type: application/json" \\
  -d '{"input": {}}'
`;

export const COMMANDS = `ensemble conductor keys generate --name "my-service" --permissions "ensemble:*:execute"
# Basic key with full access
ensemble conductor keys generate --name "admin-key" --permissions "*"
# Scoped key for specific ensembles
ensemble conductor keys generate \\
  --name "billing-service" \\
  --permissions "ensemble:billing-*:execute,ensemble:invoice-*:execute" \\
  --expires "90d"
# Key that never expires
ensemble conductor keys generate \\
  --name "internal-service" \\
  --permissions "ensemble:*:execute" \\
  --expires "never"
ensemble conductor keys list
# Output as JSON
ensemble conductor keys list --json
ensemble conductor keys revoke key_abc123
ensemble conductor keys info key_abc123
ensemble conductor keys rotate key_abc123
# Bad: Full access
ensemble conductor keys generate --name "billing" --permissions "*"
# Good: Scoped to what's needed
ensemble conductor keys generate --name "billing" \\
  --permissions "ensemble:billing-*:execute,ensemble:invoice-*:execute"
# Rotate keys periodically
ensemble conductor keys rotate key_abc123
`;
