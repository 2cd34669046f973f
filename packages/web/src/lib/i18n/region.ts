/**
 * Words follow the language of the site; numbers, dates and sizes follow where the person is, as far as their browser tells:
 * who reads English in Sydney writes dates as in Sydney.
 */

/** The first of the tags (BCP 47) that is of the language, else the language itself. */
export function regionOf(language: string, tags: readonly string[] = navigator.languages): string {
  return tags.find((tag) => tag.split('-')[0]?.toLowerCase() === language && isKnown(tag)) ?? language
}

function isKnown(tag: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0
  } catch {
    // No tag at all, as some browsers are made to send.
    return false
  }
}

const formats = new Map<string, Intl.NumberFormat>()

/** Formats counts for the words of a language. */
export function countsIn(language: string): (count: number) => string {
  return (count) => {
    const format = formats.get(language) ?? new Intl.NumberFormat(regionOf(language))
    formats.set(language, format)
    return format.format(count)
  }
}
