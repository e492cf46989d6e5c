import tseslint from 'typescript-eslint';

// Doors open one way: emulator <- debug-adapter <- (protocol.ts only) <- extension, webviews; cli -> emulator.
const door = (room, forbidden, message) => ({
  files: [`${room}/**/*.ts`],
  ignores: ['**/*.spec.ts', '**/testing/**'],
  rules: {
    'no-restricted-imports': ['error', { patterns: [{ regex: forbidden, message }] }],
  },
});

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'node_modules/', 'sample/', '.vscode-test/'] },
  ...tseslint.configs.recommended,
  ...tseslint.configs.stylistic,
  {
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  door(
    'emulator',
    '^(node:|vscode$|.*/(debug-adapter|extension|webviews|cli)/)',
    'emulator/ knows no Node, no debugger and no VS Code',
  ),
  {
    ...door(
      'debug-adapter',
      '^(node:|vscode$|.*/(extension|webviews|cli)/)',
      'debug-adapter/ knows no Node and no VS Code outside its entry points',
    ),
    ignores: ['**/*.spec.ts', '**/testing/**', 'debug-adapter/stdio.ts', 'debug-adapter/node-files.ts'],
  },
  door(
    'extension',
    '^.*/(emulator|debug-adapter/(?!protocol$)|cli)',
    'extension/ enters the debugger by debug-adapter/protocol only',
  ),
  door(
    'webviews',
    '^(node:|vscode$|.*/(emulator|debug-adapter/(?!protocol$)|extension|cli)/)',
    'webviews/ enter the debugger by debug-adapter/protocol only',
  ),
  door('cli', '^(vscode$|.*/(debug-adapter|extension|webviews)/)', 'cli/ stands on the emulator alone'),
);
