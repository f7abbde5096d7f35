import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// The server that `npm run dev` and `npm run preview` talk to.
const server = process.env.POINTSMAN_URL ?? 'http://127.0.0.1:8080'
// The server takes a session from its own pages alone, so Host has to stay what the browser sent.
const proxy = Object.fromEntries(['/api', '/v1', '^/ui/session$', '/openapi.json', '/docs'].map((p) => [p, { target: server, changeOrigin: false }]))

export default defineConfig({
  base: '/ui/',
  esbuild: { jsx: 'automatic' },
  build: {
    outDir: process.env.POINTSMAN_UI_OUT ?? fileURLToPath(new URL('../dist', import.meta.url)),
    emptyOutDir: false, // scripts/api.mjs has emptied it, but for the committed placeholder
    target: 'es2022',
    modulePreload: { polyfill: false }, // it is an inline script
    assetsInlineLimit: 0, // the page's policy allows no data: but for pictures
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
    rollupOptions: {
      onwarn(warning, warn) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning) // "use client" means nothing here
      },
    },
  },
  server: { port: 5173, proxy },
  preview: {
    port: 4173,
    proxy,
    // As the program sends it, but for the nonce: the placeholder in the page stands for itself.
    headers: {
      'Content-Security-Policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-__CSP_NONCE__'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    },
  },
})
