// What eslint looks for in all JavaScript of the project: mistakes, and hardly any style. Types are checked by tsc.
import js from "@eslint/js";
import globals from "globals";

const mistakes = {
  "array-callback-return": "error",
  "default-case-last": "error",
  eqeqeq: ["error", "always", {null: "ignore"}],
  "guard-for-in": "error",
  "no-constructor-return": "error",
  "no-duplicate-imports": "error",
  "no-eval": "error",
  "no-implied-eval": "error",
  "no-invalid-this": "error",
  "no-loop-func": "error",
  "no-new-wrappers": "error",
  "no-return-assign": ["error", "except-parens"],
  "no-self-compare": "error",
  "no-shadow": "error",
  "no-template-curly-in-string": "error",
  "no-throw-literal": "error",
  "no-unmodified-loop-condition": "error",
  "no-unreachable-loop": "error",
  "no-unused-expressions": ["error", {allowShortCircuit: true, allowTernary: true}],
  "no-unused-private-class-members": "off", // does not see that ??= reads; tsc finds the others
  "no-unused-vars": ["error", {varsIgnorePattern: "^_", argsIgnorePattern: "^_", ignoreRestSiblings: true}],
  "no-use-before-define": ["error", {functions: false, classes: false, variables: false}],
  "no-useless-concat": "error",
  "no-var": "error",
  "prefer-const": "error",
  "prefer-promise-reject-errors": "error",
  radix: "error",
  "require-atomic-updates": "error",
};

export default [
  {ignores: ["**/node_modules/", "build/", ".venv/"]},
  {linterOptions: {reportUnusedDisableDirectives: "error"}},
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {ecmaVersion: 2023, sourceType: "module"},
    rules: {...js.configs.recommended.rules, ...mistakes},
  },
  {
    files: ["static/**", "server/views/**"],
    languageOptions: {globals: globals.browser},
    rules: {
      "no-alert": "error", // a dialogue stops the page, and with it the class
      "no-console": "error", // what a user should know stands on the page
      "require-await": "error",
    },
  },
  {files: ["tests/**"], languageOptions: {globals: globals.nodeBuiltin}},
];
