import type { SpokenSpan } from '../../upload/pace.ts'
import { countsIn } from '../region.ts'

const number = countsIn('en')

export const uploads = {
  upload: 'Upload',
  chooseFiles: 'Photos and videos',
  chooseFolder: 'A folder',
  drop: 'Drop photos, videos or whole folders to upload them',
  dropIntoAlbum: 'Drop photos, videos or whole folders to add them to this album',
  dropNotHere: 'You can look at this album, but not add to it. To upload photos of your own, open Photos.',
  tray: 'Uploads',
  expand: 'Show uploads',
  collapse: 'Make smaller',
  dismiss: 'Close uploads',
  reading: (found: number) => `Looking through folders… ${number(found)} found`,
  uploading: (done: number, all: number) => `Uploading ${number(done)} of ${number(all)}`,
  bytes: (done: string, all: string) => `${done} of ${all}`,
  speed: (bytes: string) => `${bytes}/s`,
  left(span: SpokenSpan): string {
    switch (span.unit) {
      case 'moment':
        return 'a few seconds left'
      case 'seconds':
        return `about ${span.value} seconds left`
      case 'minutes':
        return span.value === 1 ? 'about a minute left' : `about ${span.value} minutes left`
      case 'hours': {
        const hours = span.hours === 1 ? '1 hour' : `${span.hours} hours`
        return `about ${hours}${span.minutes === 0 ? '' : ` ${span.minutes} minutes`} left`
      }
    }
  },
  finishing: 'Almost done…',
  paused: 'Paused',
  waitingForNetwork: 'Waiting for the network. It goes on by itself.',
  waitingForServer: 'The server cannot be reached. It goes on by itself.',
  signInToGoOn: 'Sign in again to go on.',
  signIn: 'Sign in',
  pauseAll: 'Pause all',
  resumeAll: 'Resume all',
  pause: (name: string) => `Pause ${name}`,
  resume: (name: string) => `Resume ${name}`,
  retry: (name: string) => `Try ${name} again`,
  retryAll: 'Try all again',
  cancel: (name: string) => `Cancel ${name}`,
  cancelAll: 'Cancel all',
  cancelTitle: 'Cancel all uploads?',
  cancelText: (left: number) =>
    left === 1 ? '1 file is not uploaded yet.' : `${number(left)} files are not uploaded yet.`,
  cancelConfirm: 'Cancel uploads',
  goOnUploading: 'Go on uploading',
  added: (count: number) => `${number(count)} added`,
  already: (count: number) => (count === 1 ? '1 was already there' : `${number(count)} were already there`),
  failed: (count: number) => `${number(count)} failed`,
  leftOut: (count: number) =>
    count === 1
      ? '1 file was left out because it is no photo or video.'
      : `${number(count)} files were left out because they are no photos or videos.`,
  unreadable: (count: number) =>
    count === 1 ? '1 file or folder could not be read.' : `${number(count)} files or folders could not be read.`,
  nothingFound: 'There were no photos or videos in it.',
  preparing: (count: number) => (count === 1 ? '1 is being prepared' : `${number(count)} are being prepared`),
  notPrepared: (count: number) =>
    count === 1
      ? '1 was uploaded, but no preview could be made of it. The original is kept.'
      : `${number(count)} were uploaded, but no preview could be made of them. The originals are kept.`,
  showPhotos: 'Show photos',
  showAlbum: 'Show album',
  waiting: (count: number) => `${number(count)} waiting`,
  more: (count: number) => `and ${number(count)} more`,
  state: {
    waiting: 'Waiting',
    hashing: 'Checking',
    planning: 'Checking',
    verifying: 'Finishing',
    paused: 'Paused',
    added: 'Added',
    duplicate: 'Already there',
    restored: 'Taken out of the trash',
  },
  progressOf: (name: string) => `Progress of ${name}`,
  progress: 'Progress of all uploads',
  announceProgress: (percent: number) => `Uploads: ${percent} percent`,
  announceDone: (summary: string) => `Uploads are done: ${summary}`,
  unfinishedTitle: (count: number) =>
    count === 1 ? '1 upload is not finished' : `${number(count)} uploads are not finished`,
  unfinishedGoOn: 'The page was closed before. Nothing that was sent is sent again.',
  unfinishedChoose: 'Choose these files again to go on. Nothing that was sent is sent again.',
  goOn: 'Go on',
  chooseAgain: 'Choose files',
  discard: 'Discard',
  titleBusy: (percent: number) => `${percent}% uploaded`,
  pastedName: (time: string) => `Pasted ${time}`,
  shareFailed: 'What you shared did not arrive. Open Heliograph once, then share it again.',
  failures: {
    changed: 'The file changed while it was being uploaded. Wait until no program writes to it, then try again.',
    unreadable: 'The file cannot be read any more. Check that it is still there, then choose it again.',
    gone: 'The server lost track of this upload. Try again.',
    tooLarge: (limit: string) =>
      `The file is larger than ${limit}, the most this server takes. Upload a smaller version.`,
    albumForbidden: 'You may not add photos to this album. Ask its owner, or upload to your own photos.',
  },
  offline: 'You are offline.',
  offlinePage: 'This page opens by itself as soon as you are connected. Uploads that are not finished go on then.',
  newVersion: 'There is a new version of Heliograph.',
  reload: 'Reload',
}
