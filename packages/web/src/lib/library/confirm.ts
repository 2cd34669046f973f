/** Asks before what cannot be undone, from code that is no component. */
import { mount, unmount } from 'svelte'

export interface Question {
  title: string
  text: string
  action: string
  /** What is done when the person agrees; the dialog stays and says why when it fails. */
  run: () => Promise<unknown>
}

/** Resolves when the dialog is closed: true when what it asked for was done. */
export async function confirm(question: Question): Promise<boolean> {
  const { default: ConfirmDialog } = await import('../ui/ConfirmDialog.svelte')
  return new Promise((resolve) => {
    let isDone = false
    const dialog = mount(ConfirmDialog, {
      target: document.body,
      props: {
        title: question.title,
        text: question.text,
        action: question.action,
        async run() {
          await question.run()
          isDone = true
        },
        onclose() {
          void unmount(dialog)
          resolve(isDone)
        },
      },
    })
  })
}
