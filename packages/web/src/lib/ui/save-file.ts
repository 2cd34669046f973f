/** Takes an answer of the server to this device: into a file that is written as it comes, or, where the browser has no such, through its memory. */

interface FilePicker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<{ createWritable(): Promise<WritableStream> }>
}

/** Resolves when it is saved, or false when the person chose not to. `open` is asked only after a place was chosen. */
export async function saveFile(name: string, open: () => Promise<Response>): Promise<boolean> {
  const picker = window as FilePicker
  if (picker.showSaveFilePicker !== undefined) {
    const file = await picker.showSaveFilePicker({ suggestedName: name }).catch(notWanted)
    if (file === null) return false
    const { body } = await open()
    await body?.pipeTo(await file.createWritable())
    return true
  }
  const url = URL.createObjectURL(await (await open()).blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Some browsers still read it after the click is over.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
  return true
}

function notWanted(error: unknown): null {
  if (error instanceof Error && error.name === 'AbortError') return null
  throw error
}

/** A title as a name that every file system takes. */
export function fileNameOf(title: string, extension: string): string {
  const clean = title
    .normalize('NFC')
    .replace(/[\\/:*?"<>|\p{Cc}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[\s.]+|[\s.]+$/g, '')
    .slice(0, 80)
  return `${clean === '' ? 'heliograph' : clean}.${extension}`
}
