/** Whether there is a network at all, as the browser knows it. That the server answers is another matter. */
class Online {
  now = $state(navigator.onLine)

  constructor() {
    addEventListener('online', () => {
      this.now = true
    })
    addEventListener('offline', () => {
      this.now = false
    })
  }
}

export const online = new Online()
