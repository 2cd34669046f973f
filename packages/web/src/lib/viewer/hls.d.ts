/** The small build, without captions, encryption and other languages, which our playlists do not have; typed like the whole. */
declare module 'hls.js/light' {
  export { default } from 'hls.js'
}
