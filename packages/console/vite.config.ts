/** Builds the pages: where they are served, and where the result goes. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import solid from 'vite-plugin-solid';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/ui/',
  plugins: [solid()],
  resolve: {
    alias: {
      '@rollcall/protocol': fileURLToPath(new URL('../protocol/src/index.ts', import.meta.url)),
      // Of the client's choice of an instance: it needs MD5 alone.
      'node:crypto': fileURLToPath(new URL('src/pages/service/md5.ts', import.meta.url)),
    },
  },
  build: {
    outDir: fileURLToPath(new URL('../server/console', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // A data URL would need another rule of the page's content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
