/// <reference types="vite/client" />

declare global {
  namespace App {
    interface PageState {
      /** The photo a menu or dialog was opened for, so that going back closes it. */
      overlay?: string
    }
  }
}

export {}
