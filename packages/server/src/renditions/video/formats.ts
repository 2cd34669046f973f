/**
 * What ffmpeg may open. The container is the one that the file's signature names, never one that ffmpeg guesses: a
 * playlist or a session description named `.mp4` would otherwise have it read other files and the network. Decoders are
 * those of cameras and phones; hundreds of others, which no camera writes, stay closed to whoever attacks them.
 */

/** ffmpeg's demuxer for a recognised content type, and its full name, which `-format_whitelist` compares. */
const demuxers = {
  mov: { option: 'mov', name: 'mov,mp4,m4a,3gp,3g2,mj2' },
  matroska: { option: 'matroska', name: 'matroska,webm' },
  avi: { option: 'avi', name: 'avi' },
  mpeg: { option: 'mpeg', name: 'mpeg' },
  mpegvideo: { option: 'mpegvideo', name: 'mpegvideo' },
  mpegts: { option: 'mpegts', name: 'mpegts' },
  asf: { option: 'asf', name: 'asf' },
} as const

export type Container = keyof typeof demuxers

export const demuxerOf = (container: Container) => demuxers[container]

const containers: Record<string, Container> = {
  'video/mp4': 'mov',
  'video/quicktime': 'mov',
  'video/x-m4v': 'mov',
  'video/3gpp': 'mov',
  'video/3gpp2': 'mov',
  'audio/mp4': 'mov',
  'audio/x-m4a': 'mov',
  'video/webm': 'matroska',
  'video/x-matroska': 'matroska',
  'video/matroska': 'matroska',
  'video/x-msvideo': 'avi',
  'video/vnd.avi': 'avi',
  'video/avi': 'avi',
  'video/mp1s': 'mpeg',
  'video/mp2p': 'mpeg',
  'video/mpeg': 'mpegvideo',
  'video/mp2t': 'mpegts',
  'video/x-ms-wmv': 'asf',
  'video/x-ms-asf': 'asf',
  'application/vnd.ms-asf': 'asf',
}

/** Undefined for what is no video that can be opened. */
export const containerOf = (contentType: string): Container | undefined => containers[contentType.toLowerCase()]

/** Codecs of pictures, by ffmpeg's names of formats, each with the decoders that may read it. */
const pictureCodecs: Record<string, string[]> = {
  h264: ['h264'],
  hevc: ['hevc'],
  av1: ['libdav1d', 'libaom-av1', 'av1'],
  vp8: ['vp8'],
  vp9: ['vp9'],
  mpeg4: ['mpeg4'],
  mpeg2video: ['mpeg2video'],
  mpeg1video: ['mpeg1video'],
  h263: ['h263'],
  mjpeg: ['mjpeg'],
  prores: ['prores'],
  dnxhd: ['dnxhd'],
  dvvideo: ['dvvideo'],
  vc1: ['vc1'],
  wmv1: ['wmv1'],
  wmv2: ['wmv2'],
  wmv3: ['wmv3'],
  msmpeg4v2: ['msmpeg4v2'],
  msmpeg4v3: ['msmpeg4'],
}

const soundCodecs: Record<string, string[]> = {
  aac: ['aac'],
  aac_latm: ['aac_latm'],
  ac3: ['ac3'],
  eac3: ['eac3'],
  mp2: ['mp2float', 'mp2'],
  mp3: ['mp3float', 'mp3'],
  opus: ['opus', 'libopus'],
  vorbis: ['vorbis'],
  flac: ['flac'],
  alac: ['alac'],
  amr_nb: ['amrnb', 'libopencore_amrnb'],
  amr_wb: ['amrwb', 'libopencore_amrwb'],
  wmav1: ['wmav1'],
  wmav2: ['wmav2'],
  wmapro: ['wmapro'],
  adpcm_ms: ['adpcm_ms'],
  adpcm_ima_qt: ['adpcm_ima_qt'],
  adpcm_ima_wav: ['adpcm_ima_wav'],
  ...Object.fromEntries(
    ['s8 u8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be', 'alaw mulaw bluray dvd']
      .join(' ')
      .split(' ')
      .map((sample) => [`pcm_${sample}`, [`pcm_${sample}`]]),
  ),
}

export const isPictureCodec = (codec: string) => Object.hasOwn(pictureCodecs, codec)
export const isSoundCodec = (codec: string) => Object.hasOwn(soundCodecs, codec)

export const decoderWhitelist = [pictureCodecs, soundCodecs].flatMap((codecs) => Object.values(codecs).flat()).join(',')
