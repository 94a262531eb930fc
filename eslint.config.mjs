import tseslint from 'typescript-eslint';

/** Imports that tie code to a platform; `extension/core` has none of them. */
const platform = [
  'vscode',
  'node:*',
  'fs',
  'path',
  'os',
  'crypto',
  'child_process',
  'worker_threads',
  'vscode-language*',
];

/** A layer of the core may import itself and what lies below it, nothing above. */
const layers = {
  source: ['syntax', 'program', 'reach', 'mmu', 'patch', 'report'],
  syntax: ['program', 'reach', 'mmu', 'patch', 'report'],
  program: ['reach', 'mmu', 'patch', 'report'],
  reach: ['mmu', 'patch', 'report'],
  mmu: ['patch', 'report'],
  patch: ['report'],
};

export default tseslint.config(
  { ignores: ['dist/**', 'out/**', 'node_modules/**', 'grammars/**', 'media/**'] },
  {
    files: ['extension/**/*.ts', 'test/**/*.ts', 'vitest.config.mts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that knows.' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['extension/core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: platform, message: 'core knows no platform.' }] }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'window', 'document', 'console', 'setTimeout', 'fetch'],
    },
  },
  ...Object.entries(layers).map(([layer, above]) => ({
    files: [`extension/core/${layer}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: platform, message: 'core knows no platform.' },
            { group: above.map((name) => `**/${name}/*`), message: `${layer} lies below: arrows run downwards only.` },
          ],
        },
      ],
    },
  })),
  { files: ['test/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['vitest.config.mts'], rules: { 'no-restricted-syntax': 'off' } },
);
