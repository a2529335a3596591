import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['node_modules/', 'playground/'] },
  js.configs.recommended,
  { files: ['assets/**/*.js'], languageOptions: { globals: globals.browser }, rules: { 'no-console': 'error' } },
  {
    files: ['tests/**/*.mjs', 'scripts/**/*.mjs', '*.js'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
];
