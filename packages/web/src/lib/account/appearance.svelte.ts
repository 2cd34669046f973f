/**
 * Light or dark. What was chosen is on `<html data-theme>`; the shell puts it there before anything is painted, so the name
 * under which it is remembered and its values are also in `app.html`.
 */

export type Appearance = 'system' | 'light' | 'dark'
export const appearances: readonly Appearance[] = ['system', 'light', 'dark']

const remembered = 'heliograph.theme'
/** Of the bar around the page, as in `app.html`. */
const colours = { light: '#fbfaf7', dark: '#141311' }

class AppearanceChoice {
  chosen = $state<Appearance>(read())

  choose(appearance: Appearance): void {
    this.chosen = appearance
    const { dataset } = document.documentElement
    if (appearance === 'system') {
      localStorage.removeItem(remembered)
      delete dataset.theme
    } else {
      localStorage.setItem(remembered, appearance)
      dataset.theme = appearance
    }
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      const own = meta.media.includes('dark') ? 'dark' : 'light'
      meta.content = colours[appearance === 'system' ? own : appearance]
    }
  }
}

function read(): Appearance {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

export const appearance = new AppearanceChoice()
