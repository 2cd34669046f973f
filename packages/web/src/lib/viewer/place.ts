/** Where something was taken, without a map: coordinates to read, to copy, and to open elsewhere. */

export interface Place {
  latitude: number
  longitude: number
}

export type Hemisphere = 'north' | 'south' | 'east' | 'west'

/** Degrees and minutes of one axis; the minutes to a hundredth, which is about 18 m. */
export interface Angle {
  degrees: number
  minutes: string
  hemisphere: Hemisphere
}

export function anglesOf({ latitude, longitude }: Place): { latitude: Angle; longitude: Angle } {
  return {
    latitude: angle(latitude, latitude < 0 ? 'south' : 'north'),
    longitude: angle(longitude, longitude < 0 ? 'west' : 'east'),
  }
}

function angle(value: number, hemisphere: Hemisphere): Angle {
  const hundredths = Math.round(Math.abs(value) * 6000)
  const degrees = Math.floor(hundredths / 6000)
  const minutes = (hundredths - degrees * 6000) / 100
  return { degrees, minutes: minutes.toFixed(2).padStart(5, '0'), hemisphere }
}

/** `37.566535, 126.977969`, which every map understands. A sixth digit is 11 cm. */
export function decimals({ latitude, longitude }: Place): string {
  return `${trim(latitude)}, ${trim(longitude)}`
}

function trim(value: number): string {
  return String(Number(value.toFixed(6)))
}

/** Opens the map app where the system knows one by `geo:` (RFC 5870), which is Android; a map on the web elsewhere. */
export function mapLink(place: Place, userAgent: string): string {
  const [latitude, longitude] = [trim(place.latitude), trim(place.longitude)]
  if (/Android/i.test(userAgent)) return `geo:${latitude},${longitude}?q=${latitude},${longitude}`
  return `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`
}
