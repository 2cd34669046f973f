/** Opens the choice of albums from code that is no component. */
import { mount, unmount } from 'svelte'
import AlbumPicker from '../albums/AlbumPicker.svelte'

/** Resolves when it is closed: true when the assets are in an album. */
export function pickAlbum(assetIds: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    let isDone = false
    const picker = mount(AlbumPicker, {
      target: document.body,
      props: {
        assetIds,
        ondone() {
          isDone = true
        },
        onclose() {
          void unmount(picker)
          resolve(isDone)
        },
      },
    })
  })
}
