import tseslint from 'typescript-eslint';
import doors from './lint/doors.mjs';

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
      'no-restricted-syntax': [
        'error',
        { selector: 'PrivateIdentifier', message: 'Members are `private`, not #private.' },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['{emulator,debug-adapter,extension,webviews,cli}/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/testing/**'],
    plugins: { doors },
    rules: { 'doors/one-way': 'error' },
  },
);
