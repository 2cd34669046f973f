import { countsIn } from '../region.ts'

const number = countsIn('en')

export const common = {
  appName: 'Heliograph',
  nav: {
    label: 'Main',
    photos: 'Photos',
    albums: 'Albums',
    favorites: 'Favourites',
    trash: 'Trash',
    account: 'Account',
  },
  skipToContent: 'Skip to content',
  cancel: 'Cancel',
  close: 'Close',
  save: 'Save',
  done: 'Done',
  delete: 'Delete',
  remove: 'Remove',
  undo: 'Undo',
  retry: 'Try again',
  back: 'Back',
  more: 'More',
  copy: 'Copy',
  copied: 'Copied',
  loading: 'Loading…',
  notFoundTitle: 'There is nothing here',
  notFoundText: 'The address may be mistyped, or what was here has been deleted.',
  goHome: 'Go to your photos',
  errorTitle: 'This did not work',
  offlineTitle: 'You are offline',
  offlineText: 'What you see may be old. Everything goes on by itself once you are connected again.',
  photos: (count: number) => (count === 1 ? '1 photo' : `${number(count)} photos`),
  items: (count: number) => (count === 1 ? '1 item' : `${number(count)} items`),
  storageUsed: (used: string, limit: string) => `${used} of ${limit} used`,
}
