/**
 * The words of the site: `i18n.m.common.save`. Messages are plain functions and strings, typed by the English ones, so that
 * a translation that lacks one does not compile. English comes with the page, other languages when they are wanted.
 */
import { en } from './en/index.ts'
import { regionOf } from './region.ts'

export type Messages = typeof en
export type Locale = 'en' | 'ko'

const names: Record<Locale, string> = { en: 'English', ko: '한국어' }
const remembered = 'heliograph.locale'

class I18n {
  locale = $state<Locale>('en')
  m = $state.raw<Messages>(en)
  /** For `Intl`: the language, as it is written where the person is. BCP 47. */
  readonly region = $derived(regionOf(this.locale))
  readonly names = names

  /** The language chosen before, else the first the browser asks for that there is. */
  async start(): Promise<void> {
    const chosen = localStorage.getItem(remembered)
    const wanted = [chosen, ...navigator.languages].map((tag) => tag?.slice(0, 2))
    await this.use(wanted.find((tag): tag is Locale => tag !== undefined && tag in names) ?? 'en')
  }

  async choose(locale: Locale): Promise<void> {
    localStorage.setItem(remembered, locale)
    await this.use(locale)
  }

  private async use(locale: Locale): Promise<void> {
    if (locale !== this.locale) {
      this.m = locale === 'en' ? en : (await import('./ko/index.ts')).ko
      this.locale = locale
    }
    document.documentElement.lang = locale
  }
}

export const i18n = new I18n()
