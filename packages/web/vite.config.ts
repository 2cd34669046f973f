import adapter from '@sveltejs/adapter-static'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds the API; the server itself serves what `npm run build` made. */
const server = process.env.HELIOGRAPH_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ fallback: 'index.html' }),
      compilerOptions: { runes: true },
      // That of the sources, from scripts/site. The page knows it by the names of its files; nothing asks for it.
      version: { name: process.env.HELIOGRAPH_SITE_VERSION ?? 'development', pollInterval: 0 },
      // Registered by lib/upload, once a page is there to be kept offline.
      serviceWorker: { register: false },
    }),
  ],
  build: {
    target: 'es2022',
    rolldownOptions: {
      output: {
        // A page in some twenty files instead of seventy: each costs a turn on the few connections of HTTP/1.1. SvelteKit's own
        // files stay as it wants to find them.
        codeSplitting: {
          groups: [
            { name: 'runtime', test: /node_modules[\\/](?:svelte|esm-env|clsx)[\\/]/ },
            {
              name: 'shared',
              test: /packages[\\/](?:web[\\/]src|client)[\\/]|lucide/,
              minShareCount: 2,
              entriesAware: true,
              // Bytes; smaller ones are joined with what is loaded anyway.
              entriesAwareMergeThreshold: 12_000,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/m', '/u', '/docs'].map((path) => [path, { target: server, changeOrigin: false }]),
    ),
  },
})
