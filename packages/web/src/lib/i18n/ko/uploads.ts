import type { SpokenSpan } from '../../upload/pace.ts'
import type { uploads as english } from '../en/uploads.ts'
import { countsIn } from '../region.ts'

const number = countsIn('ko')

export const uploads: typeof english = {
  upload: '올리기',
  chooseFiles: '사진 및 동영상',
  chooseFolder: '폴더',
  drop: '사진, 동영상 또는 폴더를 여기에 놓으면 올라갑니다',
  dropIntoAlbum: '사진, 동영상 또는 폴더를 여기에 놓으면 이 앨범에 추가됩니다',
  dropNotHere: '이 앨범은 볼 수만 있고 추가할 수는 없습니다. 내 사진을 올리려면 사진 화면을 여세요.',
  tray: '올리기',
  expand: '올리기 목록 펼치기',
  collapse: '접기',
  dismiss: '올리기 목록 닫기',
  reading: (found: number) => `폴더를 살펴보는 중… ${number(found)}개 찾음`,
  uploading: (done: number, all: number) => `${number(all)}개 중 ${number(done)}개 올림`,
  bytes: (done: string, all: string) => `${all} 중 ${done}`,
  speed: (bytes: string) => `초당 ${bytes}`,
  left(span: SpokenSpan): string {
    switch (span.unit) {
      case 'moment':
        return '몇 초 남음'
      case 'seconds':
        return `약 ${span.value}초 남음`
      case 'minutes':
        return `약 ${span.value}분 남음`
      case 'hours':
        return `약 ${span.hours}시간${span.minutes === 0 ? '' : ` ${span.minutes}분`} 남음`
    }
  },
  finishing: '거의 다 됐습니다…',
  paused: '일시정지됨',
  waitingForNetwork: '네트워크를 기다리는 중입니다. 연결되면 자동으로 계속됩니다.',
  waitingForServer: '서버에 연결할 수 없습니다. 연결되면 자동으로 계속됩니다.',
  signInToGoOn: '계속하려면 다시 로그인하세요.',
  signIn: '로그인',
  pauseAll: '모두 일시정지',
  resumeAll: '모두 계속',
  pause: (name: string) => `${name} 일시정지`,
  resume: (name: string) => `${name} 계속`,
  retry: (name: string) => `${name} 다시 시도`,
  retryAll: '모두 다시 시도',
  cancel: (name: string) => `${name} 취소`,
  cancelAll: '모두 취소',
  cancelTitle: '올리기를 모두 취소할까요?',
  cancelText: (left: number) => `아직 올리지 않은 파일이 ${number(left)}개 있습니다.`,
  cancelConfirm: '올리기 취소',
  goOnUploading: '계속 올리기',
  added: (count: number) => `${number(count)}개 추가됨`,
  already: (count: number) => `${number(count)}개는 이미 있음`,
  failed: (count: number) => `${number(count)}개 실패`,
  leftOut: (count: number) => `사진이나 동영상이 아닌 파일 ${number(count)}개는 제외했습니다.`,
  unreadable: (count: number) => `읽을 수 없는 파일이나 폴더가 ${number(count)}개 있습니다.`,
  nothingFound: '사진이나 동영상이 없습니다.',
  preparing: (count: number) => `${number(count)}개 준비 중`,
  notPrepared: (count: number) =>
    `${number(count)}개는 올렸지만 미리보기를 만들지 못했습니다. 원본은 보관되어 있습니다.`,
  showPhotos: '사진 보기',
  showAlbum: '앨범 보기',
  waiting: (count: number) => `${number(count)}개 대기 중`,
  more: (count: number) => `외 ${number(count)}개`,
  state: {
    waiting: '대기 중',
    hashing: '확인 중',
    planning: '확인 중',
    verifying: '마무리 중',
    paused: '일시정지됨',
    added: '추가됨',
    duplicate: '이미 있음',
    restored: '휴지통에서 복원됨',
  },
  progressOf: (name: string) => `${name} 진행률`,
  progress: '전체 올리기 진행률',
  announceProgress: (percent: number) => `올리기 ${percent}퍼센트`,
  announceDone: (summary: string) => `올리기를 마쳤습니다. ${summary}`,
  unfinishedTitle: (count: number) => `끝나지 않은 올리기가 ${number(count)}개 있습니다`,
  unfinishedGoOn: '올리는 중에 페이지가 닫혔습니다. 이미 보낸 부분은 다시 보내지 않습니다.',
  unfinishedChoose: '계속하려면 이 파일들을 다시 선택하세요. 이미 보낸 부분은 다시 보내지 않습니다.',
  goOn: '계속',
  chooseAgain: '파일 선택',
  discard: '버리기',
  titleBusy: (percent: number) => `${percent}% 올림`,
  pastedName: (time: string) => `붙여넣은 사진 ${time}`,
  shareFailed: '공유한 파일을 받지 못했습니다. Heliograph를 한 번 연 다음 다시 공유해 주세요.',
  failures: {
    changed: '올리는 동안 파일이 바뀌었습니다. 다른 프로그램의 작업이 끝난 뒤 다시 시도하세요.',
    unreadable: '파일을 더 이상 읽을 수 없습니다. 파일이 그대로 있는지 확인한 뒤 다시 선택하세요.',
    gone: '서버에서 이 올리기를 찾을 수 없습니다. 다시 시도하세요.',
    tooLarge: (limit: string) => `이 서버에는 ${limit}까지 올릴 수 있습니다. 더 작은 파일을 올려 주세요.`,
    albumForbidden: '이 앨범에는 사진을 추가할 수 없습니다. 앨범 소유자에게 요청하거나 내 사진에 올리세요.',
  },
  offline: '오프라인입니다.',
  offlinePage: '다시 연결되면 이 페이지가 자동으로 열리고, 끝나지 않은 올리기도 계속됩니다.',
  newVersion: 'Heliograph 새 버전이 있습니다.',
  reload: '새로고침',
}
