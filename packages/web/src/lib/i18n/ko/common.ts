import type { common as english } from '../en/common.ts'
import { countsIn } from '../region.ts'

const number = countsIn('ko')

export const common: typeof english = {
  appName: 'Heliograph',
  nav: {
    label: '주 메뉴',
    photos: '사진',
    albums: '앨범',
    favorites: '즐겨찾기',
    trash: '휴지통',
    account: '계정',
  },
  skipToContent: '본문으로 건너뛰기',
  cancel: '취소',
  close: '닫기',
  save: '저장',
  done: '완료',
  delete: '삭제',
  remove: '빼기',
  undo: '실행 취소',
  retry: '다시 시도',
  back: '뒤로',
  more: '더 보기',
  copy: '복사',
  copied: '복사했습니다',
  loading: '불러오는 중…',
  notFoundTitle: '여기에는 아무것도 없습니다',
  notFoundText: '주소가 잘못되었거나, 있던 것이 삭제되었을 수 있습니다.',
  goHome: '내 사진으로 가기',
  errorTitle: '처리하지 못했습니다',
  offlineTitle: '오프라인입니다',
  offlineText: '보이는 내용이 최신이 아닐 수 있습니다. 다시 연결되면 자동으로 계속됩니다.',
  photos: (count: number) => `사진 ${number(count)}장`,
  items: (count: number) => `항목 ${number(count)}개`,
  storageUsed: (used: string, limit: string) => `${limit} 중 ${used} 사용`,
}
