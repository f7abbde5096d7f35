import { defineConfig } from 'vite'

// The server that `npm run dev` talks to.
const server = process.env.POINTSMAN_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/ui/',
  esbuild: { jsx: 'automatic' },
  build: {
    outDir: '../dist',
    emptyOutDir: false, // scripts/api.mjs has emptied it, but for the committed placeholder
    target: 'es2022',
    modulePreload: { polyfill: false }, // it is an inline script
    assetsInlineLimit: 0, // data: is not allowed for scripts, fonts and styles
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
    rollupOptions: {
      onwarn(warning, warn) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning) // "use client" means nothing here
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      '/api': { target: server, changeOrigin: false },
      '/ui/session': { target: server, changeOrigin: false },
      '/openapi.json': server,
      '/docs': server,
    },
  },
})
