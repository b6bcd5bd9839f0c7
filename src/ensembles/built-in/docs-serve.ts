// The ensemble that serves documentation at /docs as shipped: public, as its own YAML says. A project's ensemble of the
// same name takes its place.
import type { SourceFile } from '../project.ts';

export const DOCS_SERVE: SourceFile = {
  path: 'built-in/docs-serve.yaml',
  text: `# Default docs-serve ensemble (built-in)
name: docs-serve
description: Documentation of this project
history: failures # Readers leave no executions behind

trigger:
  - type: http
    paths:
      - path: /docs
        methods: [GET]
      - path: /docs/:slug
        methods: [GET]
      # Pages in folders, and of single agents and ensembles
      - path: /docs/*
        methods: [GET]
    public: true # Explicitly public for docs

flow:
  - name: render
    agent: docs
    config:
      basePath: /docs

output:
  _raw: \${render.output}
`,
};
