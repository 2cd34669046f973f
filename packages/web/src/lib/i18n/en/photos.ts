import type { TimelineItem } from '../../grid/item.ts'
import { countsIn } from '../region.ts'

const number = countsIn('en')
const items = (count: number) => (count === 1 ? '1 item' : `${number(count)} items`)

export const photos = {
  title: 'Photos',
  favoritesTitle: 'Favourites',
  trashTitle: 'Trash',
  days: { today: 'Today', yesterday: 'Yesterday' },
  selectDay: (day: string) => `Select all of ${day}`,
  scrubber: 'Date',
  failedTitle: 'Your photos could not be loaded',
  filter: {
    label: 'Show',
    all: 'All',
    image: 'Photos',
    video: 'Videos',
    jump: 'Go to month',
  },
  tile: {
    /** `written` is what stands on the tile, word for word. */
    label: (item: TimelineItem, when: string, written: string[]) =>
      [
        item.kind === 'video' ? 'Video' : item.motion ? 'Live photo' : 'Photo',
        when,
        ...(item.favorite ? ['favourite'] : []),
        ...written,
      ].join(', '),
    select: (label: string) => `Select: ${label}`,
    motion: 'Live',
    processing: 'Preparing…',
    failed: 'No preview. The original is safe.',
  },
  selection: {
    label: 'Selection',
    clear: 'Clear selection',
    count: (count: number) => `${number(count)} selected`,
    all: (count: number) => `Select all ${number(count)}`,
    gathering: (count: number) => `Selecting all ${number(count)}…`,
  },
  actions: {
    favorite: 'Add to favourites',
    unfavorite: 'Remove from favourites',
    addToAlbum: 'Add to album',
    download: 'Download',
    trash: 'Move to trash',
    restore: 'Restore',
    purge: 'Delete for good',
  },
  trashed: (count: number) => `${items(count)} moved to the trash.`,
  restored: (count: number) => `${items(count)} restored.`,
  favorited: (count: number) => `${items(count)} added to favourites.`,
  unfavorited: (count: number) => `${items(count)} removed from favourites.`,
  purge: {
    title: (count: number) => (count === 1 ? 'Delete this item for good?' : `Delete ${items(count)} for good?`),
    text: 'The originals are deleted from the server. This cannot be undone.',
    action: 'Delete for good',
  },
  emptyTrash: {
    button: 'Empty trash',
    title: 'Empty the trash?',
    text: 'Everything in it is deleted from the server, originals included. This cannot be undone.',
    action: 'Delete everything',
    done: 'The trash is empty.',
  },
  trashText: 'What you delete stays here until its days are over, then it is gone for good.',
  daysLeft: (days: number) => (days <= 0 ? 'Last day' : days === 1 ? '1 day left' : `${number(days)} days left`),
  download: {
    begun: (count: number) => `${items(count)} are being packed. Your browser shows the download.`,
    failed: 'The download could not begin. Try again in a moment.',
    tooMany: (most: number) =>
      `One download takes at most ${number(most)} items. Select fewer and download the rest after.`,
  },
  empty: {
    title: 'Room for every moment',
    text: 'Add your first photos and videos. They keep their full quality, and only you can see them until you share.',
    filteredTitle: 'Nothing of this kind yet',
    filteredText: 'Your library has other things. Show all of it to see them.',
    showAll: 'Show all',
    favoritesTitle: 'No favourites yet',
    favoritesText: 'Press the heart on a photo you like, and it is easy to find again here.',
    trashTitle: 'The trash is empty',
    trashText: 'What you delete waits here for a while, in case you want it back.',
  },
}
