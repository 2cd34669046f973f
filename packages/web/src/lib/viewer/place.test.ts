import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anglesOf, decimals, mapLink } from './place.ts'

const seoul = { latitude: 37.566535, longitude: 126.9779692 }

test('coordinates are told in degrees and minutes of their hemisphere', () => {
  assert.deepEqual(anglesOf(seoul), {
    latitude: { degrees: 37, minutes: '33.99', hemisphere: 'north' },
    longitude: { degrees: 126, minutes: '58.68', hemisphere: 'east' },
  })
  assert.deepEqual(anglesOf({ latitude: -33.0166, longitude: -70.5 }), {
    latitude: { degrees: 33, minutes: '01.00', hemisphere: 'south' },
    longitude: { degrees: 70, minutes: '30.00', hemisphere: 'west' },
  })
})

test('sixty minutes are a degree, also by rounding', () => {
  assert.deepEqual(anglesOf({ latitude: 9.99999, longitude: 0 }).latitude, {
    degrees: 10,
    minutes: '00.00',
    hemisphere: 'north',
  })
})

test('they are copied as decimals, without an exponent', () => {
  assert.equal(decimals(seoul), '37.566535, 126.977969')
  assert.equal(decimals({ latitude: 0.0000001, longitude: -0.00001 }), '0, -0.00001')
})

test('a phone that has a map app is given its address, everything else a map on the web', () => {
  assert.equal(mapLink(seoul, 'Mozilla/5.0 (Linux; Android 16)'), 'geo:37.566535,126.977969?q=37.566535,126.977969')
  assert.equal(
    mapLink(seoul, 'Mozilla/5.0 (iPhone)'),
    'https://www.openstreetmap.org/?mlat=37.566535&mlon=126.977969#map=16/37.566535/126.977969',
  )
})
