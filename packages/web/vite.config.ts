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
  build: { target: 'es2022' },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/m', '/u', '/docs'].map((path) => [path, { target: server, changeOrigin: false }]),
    ),
  },
})
