import type { photos as english } from '../en/photos.ts'
import { countsIn } from '../region.ts'

const number = countsIn('ko')
const items = (count: number) => `항목 ${number(count)}개`

export const photos: typeof english = {
  title: '사진',
  favoritesTitle: '즐겨찾기',
  trashTitle: '휴지통',
  days: { today: '오늘', yesterday: '어제' },
  selectDay: (day) => `${day} 모두 선택`,
  scrubber: '날짜',
  failedTitle: '사진을 불러오지 못했습니다',
  filter: {
    label: '보기',
    all: '전체',
    image: '사진',
    video: '동영상',
    jump: '월로 이동',
  },
  tile: {
    label: (item, when, written) =>
      [
        item.kind === 'video' ? '동영상' : item.motion ? '라이브 포토' : '사진',
        when,
        ...(item.favorite ? ['즐겨찾기'] : []),
        ...written,
      ].join(', '),
    select: (label) => `선택: ${label}`,
    motion: '라이브',
    processing: '준비 중…',
    failed: '미리보기를 만들지 못했습니다. 원본은 안전합니다.',
  },
  selection: {
    label: '선택한 항목',
    clear: '선택 해제',
    count: (count) => `${number(count)}개 선택`,
    all: (count) => `전체 ${number(count)}개 선택`,
    gathering: (count) => `전체 ${number(count)}개 선택 중…`,
  },
  actions: {
    favorite: '즐겨찾기에 추가',
    unfavorite: '즐겨찾기에서 제거',
    addToAlbum: '앨범에 추가',
    download: '다운로드',
    trash: '휴지통으로 이동',
    restore: '복원',
    purge: '영구 삭제',
  },
  trashed: (count) => `${items(count)}를 휴지통으로 옮겼습니다.`,
  restored: (count) => `${items(count)}를 복원했습니다.`,
  favorited: (count) => `${items(count)}를 즐겨찾기에 추가했습니다.`,
  unfavorited: (count) => `${items(count)}를 즐겨찾기에서 제거했습니다.`,
  purge: {
    title: (count) => (count === 1 ? '이 항목을 영구 삭제할까요?' : `${items(count)}를 영구 삭제할까요?`),
    text: '서버에서 원본까지 삭제되며 되돌릴 수 없습니다.',
    action: '영구 삭제',
  },
  emptyTrash: {
    button: '휴지통 비우기',
    title: '휴지통을 비울까요?',
    text: '휴지통에 있는 모든 항목이 원본까지 서버에서 삭제되며 되돌릴 수 없습니다.',
    action: '모두 삭제',
    done: '휴지통을 비웠습니다.',
  },
  trashText: '삭제한 항목은 정해진 기간 동안 여기에 있다가 영구 삭제됩니다.',
  daysLeft: (days) => (days <= 0 ? '오늘 삭제됨' : `${number(days)}일 남음`),
  download: {
    begun: (count) => `${items(count)}를 묶고 있습니다. 진행 상황은 브라우저의 다운로드에서 확인하세요.`,
    failed: '다운로드를 시작하지 못했습니다. 잠시 후 다시 시도하세요.',
    tooMany: (most) => `한 번에 ${number(most)}개까지 다운로드할 수 있습니다. 나누어 선택해 주세요.`,
  },
  empty: {
    title: '소중한 순간을 담아 보세요',
    text: '첫 사진과 동영상을 올려 보세요. 원본 화질 그대로 보관되고, 공유하기 전에는 나만 볼 수 있습니다.',
    filteredTitle: '해당하는 항목이 없습니다',
    filteredText: '다른 종류의 항목은 전체 보기에서 확인할 수 있습니다.',
    showAll: '전체 보기',
    favoritesTitle: '즐겨찾기가 없습니다',
    favoritesText: '마음에 드는 사진의 하트를 누르면 여기에 모입니다.',
    trashTitle: '휴지통이 비어 있습니다',
    trashText: '삭제한 항목은 복원할 수 있도록 한동안 여기에 보관됩니다.',
  },
}
