/** Brings the service worker up once the page is there, and tells when a new version of the site waits. */
import { i18n } from '../i18n/i18n.svelte.ts'
import { toasts } from '../ui/toasts.svelte.ts'

/** Milliseconds after the page is loaded: its own first work comes first. */
const patience = 3_000
/** Milliseconds between questions for a new version while a page stays open. */
const askEvery = 60 * 60 * 1000

export function registerServiceWorker(): void {
  if (!('serviceWorker' in navigator)) return
  const later = () => setTimeout(() => void register(), patience)
  if (document.readyState === 'complete') later()
  else addEventListener('load', later, { once: true })
}

async function register(): Promise<void> {
  // The first worker of a browser takes over a page that is its own version already.
  const wasControlled = navigator.serviceWorker.controller !== null
  try {
    const registration = await navigator.serviceWorker.register('/service-worker.js', { type: 'module' })
    if (wasControlled) tellOf(registration)
    setInterval(() => void registration.update().catch(() => undefined), askEvery)
  } catch {
    // Forbidden by the browser, or no network: the site works without it.
  }
}

function tellOf(registration: ServiceWorkerRegistration): void {
  if (registration.waiting !== null) offer(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const { installing } = registration
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'installed') offer(installing)
    })
  })
}

function offer(worker: ServiceWorker): void {
  const { newVersion, reload } = i18n.m.uploads
  toasts.show(newVersion, {
    action: {
      label: reload,
      run() {
        navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
        worker.postMessage('activate')
      },
    },
  })
}
