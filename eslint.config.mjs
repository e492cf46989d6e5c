import tseslint from 'typescript-eslint';
import doors from './lint/doors.mjs';

/** Selects what `const` declares at the top level of a module, exported or not. */
const MODULE_CONSTANT =
  ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration[kind=const] > VariableDeclarator';

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'node_modules/', 'sample/', '.vscode-test/'] },
  ...tseslint.configs.recommended,
  ...tseslint.configs.stylistic,
  {
    rules: {
      curly: ['error', 'multi-or-nest', 'consistent'],
      eqeqeq: 'error',
      'max-lines': ['error', 400],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'PrivateIdentifier', message: 'Members are `private`, not #private.' },
        {
          selector: `${MODULE_CONSTANT}[init.type=/^(Literal|UnaryExpression|BinaryExpression)$/][id.name=/[a-z]/]`,
          message: 'Scalar constants of a module are UPPER_CASE.',
        },
        {
          selector: `${MODULE_CONSTANT}[init.type=/Function/][id.name=/^[A-Z0-9_]+$/]`,
          message: 'Functions are lowerCamelCase.',
        },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An iterator is slow where the engine has not compiled it yet, and over gigabytes it takes minutes.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['{emulator,debug-adapter,gdb-stub,extension,webviews,cli,host}/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/testing/**'],
    plugins: { doors },
    rules: { 'doors/one-way': 'error' },
  },
);
