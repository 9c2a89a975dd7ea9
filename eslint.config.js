import js from "@eslint/js";
import stylistic from "@stylistic/eslint-plugin";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";

export default defineConfig(
  globalIgnores(["**/vendor/", ".venv/", "study/", "dist/"]),
  { files: ["**/*.{js,mjs}"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: "latest", sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
  },
  { files: ["src/**"], languageOptions: { globals: globals.browser } },
  { files: ["tests/**", "benchmarks/**"], languageOptions: { globals: globals.node } },
  {
    plugins: { stylistic },
    rules: {
      // The formatter leaves templates of HTML and comments as they are.
      "stylistic/max-len": ["error", { code: 120, ignoreRegExpLiterals: true }],
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
    },
  },
);
