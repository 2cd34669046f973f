/** How loud films are, remembered on this device. */

const key = 'heliograph.sound'

export interface Sound {
  /** 0 to 1. */
  volume: number
  muted: boolean
}

export function rememberedSound(): Sound {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Sound>
    return {
      volume: typeof volume === 'number' && volume >= 0 && volume <= 1 ? volume : 1,
      muted: muted === true,
    }
  } catch {
    return { volume: 1, muted: false }
  }
}

export function rememberSound({ volume, muted }: Sound): void {
  try {
    localStorage.setItem(key, JSON.stringify({ volume, muted }))
  } catch {
    // A browser that keeps nothing forgets this too.
  }
}
