/** What this browser, this device and this connection can do, and what the person wants of them. */

/** One pixel of AVIF; a browser that does not know the format fails to decode it. */
const avifPixel =
  'data:image/avif;base64,AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADybWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAGxpYmF2aWYAAAAADnBpdG0AAAAAAAEAAAAeaWxvYwAAAABEAAABAAEAAAABAAABGgAAAB0AAAAoaWluZgAAAAAAAQAAABppbmZlAgAAAAABAABhdjAxQ29sb3IAAAAAamlwcnAAAABLaXBjbwAAABRpc3BlAAAAAAAAAAIAAAACAAAAEHBpeGkAAAAAAwgICAAAAAxhdjFDgQ0MAAAAABNjb2xybmNseAACAAIAAYAAAAAXaXBtYQAAAAAAAAABAAEEAQKDBAAAACVtZGF0EgAKCBgANogQEAwgMg8f8D///8WfhwB8+ErK42A='

let avif: Promise<boolean> | null = null

export function decodesAvif(): Promise<boolean> {
  avif ??= (async () => {
    const image = new Image()
    image.src = avifPixel
    try {
      await image.decode()
      return true
    } catch {
      return false
    }
  })()
  return avif
}

interface Connection {
  saveData?: boolean
  effectiveType?: string
}

/** False where each byte counts: only what is looked at is loaded. */
export function mayLoadAhead(): boolean {
  const { connection } = navigator as Navigator & { connection?: Connection }
  return connection?.saveData !== true && !['slow-2g', '2g', '3g'].includes(connection?.effectiveType ?? '')
}

export function wantsLittleMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}
