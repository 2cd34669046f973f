import adapter from '@sveltejs/adapter-static'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds the API; the server itself serves what `npm run build` made. */
const server = process.env.HELIOGRAPH_URL ?? 'http://127.0.0.1:8080'

/**
 * What the first screen needs, in one file: each further file costs a turn on the few connections of HTTP/1.1. The viewer, the
 * upload engine and the dialogs are not in it, and are loaded when somebody uses them.
 */
const firstScreen = new RegExp(
  [
    'packages/web/src/lib/(?:api|first-data)',
    'packages/web/src/lib/i18n/(?:en/|[^/]+$)',
    'packages/web/src/lib/(?:grid|library|session|offline)/',
    'packages/web/src/lib/ui/(?!ConfirmDialog|Dialog|SelectField|Switch|Password|CopyField)',
    'packages/client/src/(?!hash|worker)[^/]+$',
    'lucide',
  ]
    .join('|')
    .replaceAll('/', '[\\\\/]'),
)

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
  environments: {
    // The build for the server is only there to learn the routes.
    client: {
      build: {
        rolldownOptions: {
          output: {
            codeSplitting: {
              groups: [
                // SvelteKit is told by the page who it is before the rest of it begins: these few must be by themselves.
                { name: 'payload', test: /runtime[\\/]client[\\/]payload\.js|vite[\\/]preload-helper/ },
                { name: 'runtime', test: /node_modules[\\/](?:svelte|esm-env|clsx)[\\/]/ },
                { name: 'first', test: firstScreen, minShareCount: 2 },
              ],
            },
          },
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
