// The arrows between the parts, as docs/architecture.md draws them. One rule per arrow; tests/architecture tries each
// of them on a forbidden import, and asserts that the sources were really cruised.

/** Shapes that any part may hang on: they hold no behaviour of the part they lie in. */
const PORTS =
  '^src/(orchestrator/(ports|orchestrator-api)|store/(port|reads|write-batch|shared-port|freshness)|access/(access|guard)|egress/(egress|address-rules)|http/route|vault/proxy-api|operations/operation|visitor/visitor|ensembles/(executor|project))\\.ts$';

/** Tests, and what only tests use. */
const TESTS = '\\.(test|fixture)\\.ts$|^src/.+/testing/|^src/store/conformance[a-z-]*\\.ts$';

/** `from` may import its own folder, the named folders and the ports; nothing else of ours. */
function only(name, from, ...folders) {
  const allowed = [...folders, from].join('|');
  return {
    name,
    severity: 'error',
    comment: `${from} hangs on ${folders.join(', ') || 'nothing'}${folders.length ? ' and on ports' : ''}`,
    from: { path: `^src/${from}/`, pathNot: TESTS },
    to: { path: '^src/', pathNot: [`^src/(${allowed})/`, ...(folders.length ? [PORTS] : [])] },
  };
}

module.exports = {
  forbidden: [
    only('model-hangs-on-nothing', 'model'),
    { ...only('expressions-on-model', 'expressions', 'model'), to: { path: '^src/', pathNot: '^src/(model|expressions)/' } },
    {
      ...only('engine-on-expressions', 'engine', 'model', 'expressions'),
      to: { path: '^src/', pathNot: '^src/(model|expressions|engine)/' },
    },
    only('orchestrator-on-engine', 'orchestrator', 'model', 'expressions', 'engine'),
    only('operations-on-ports', 'operations', 'model', 'expressions'),
    only('access-on-ports', 'access', 'model'),
    only('config-on-model', 'config', 'model'),
    only('visitor-on-model', 'visitor', 'model'),
    {
      ...only('ensembles-on-operations', 'ensembles', 'model', 'expressions', 'operations', 'visitor'),
      comment: 'YAML to definitions, and agents at work; what runs them is a port',
    },
    {
      ...only('triggers-on-http', 'triggers', 'model', 'http', 'access', 'ensembles', 'visitor'),
      comment: 'triggers are routes with their own rules',
    },
    only('egress-on-ports', 'egress', 'model'),
    {
      ...only('vault-on-ports', 'vault', 'model', 'expressions'),
      comment: 'vault hangs on model and on ports; the loop is known to it only as a type',
      to: {
        path: '^src/',
        pathNot: ['^src/(model|expressions|vault)/', PORTS, '^src/orchestrator/loop\\.ts$'],
      },
    },
    only('store-on-model', 'store', 'model'),
    {
      name: 'http-never-reaches-up',
      severity: 'error',
      comment: 'routes know the orchestrator, not who wired them',
      from: { path: '^src/http/', pathNot: TESTS },
      to: { path: '^src/(runtime|cli|operations|testing)/' },
    },
    {
      name: 'cli-through-its-host',
      severity: 'error',
      comment: 'commands see cli/host.ts, which the runtime implements; only the two entry files meet both',
      from: { path: '^src/cli/', pathNot: ['^src/cli/(main|ensemble)\\.ts$', TESTS] },
      to: { path: '^src/runtime/' },
    },
    {
      name: 'edge-without-node',
      severity: 'error',
      comment: 'what both runtimes need stands beside them',
      from: { path: '^src/runtime/(?!node/)', pathNot: TESTS },
      to: { path: '^src/runtime/node/' },
    },
    {
      name: 'only-runtime-picks-a-store',
      severity: 'error',
      comment: 'everybody else sees the ports of the store',
      from: { path: '^src/', pathNot: ['^src/(runtime|store)/', TESTS] },
      to: { path: '^src/store/', pathNot: '^src/store/(port|reads|write-batch|shared-port|freshness)\\.ts$' },
    },
    {
      name: 'only-egress-opens-connections',
      severity: 'error',
      comment: 'one door out: address rules, pinned connections, limits',
      from: { path: '^src/', pathNot: ['^src/egress/', '^src/testing/', TESTS] },
      to: { path: '(^|/)(undici|net|tls|https|http2|dgram|dns)(/|$)', dependencyTypes: ['core', 'npm'] },
    },
    {
      name: 'node-http-serves-only',
      severity: 'error',
      comment: 'node:http is a server in runtime/node, and a door out nowhere',
      from: { path: '^src/', pathNot: ['^src/(egress|testing)/', '^src/runtime/node/', TESTS] },
      to: { path: '^(node:)?http$', dependencyTypes: ['core'] },
    },
    {
      name: 'pure-core',
      severity: 'error',
      comment: 'no I/O, no clock, no randomness: what decides must run anywhere and twice alike',
      from: { path: '^src/(model|expressions|engine)/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'web-standards',
      severity: 'error',
      comment: 'what runs on Node runs on other runtimes too: node: modules stay in runtime/node, store, cli, egress',
      from: { path: '^src/(orchestrator|http|vault|access|operations|ensembles|triggers|visitor|config)/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'a cycle of type imports costs nothing at run time and is let be',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-test-code-in-product',
      severity: 'error',
      comment: 'simulators and spies are for tests, examples and benches',
      from: { path: '^src/', pathNot: ['^src/testing/', TESTS] },
      to: { path: ['^src/testing/', TESTS, '^(tests|examples|bench)/'] },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      comment: 'what ships must be installed where it ships to',
      from: { path: '^src/', pathNot: ['^src/testing/', TESTS] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      // What bench/peers measures us against is installed when it runs, and nowhere else.
      to: { couldNotResolve: true, pathNot: '^(better-sqlite3|node:sqlite|@dbos-inc/dbos-sdk|@restatedev/restate-sdk|graphile-worker)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
