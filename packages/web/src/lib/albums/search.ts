/** Whether a title is what somebody types: every word of it, in any order and case, with or without accents. */
export function matches(title: string, typed: string): boolean {
  const text = plain(title)
  return plain(typed)
    .split(' ')
    .every((word) => text.includes(word))
}

/** Korean syllables come apart here, so that one half typed is found already. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
}
