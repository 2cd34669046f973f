import type { problems as english } from '../en/problems.ts'

export const problems: typeof english = {
  connection: {
    unreachable: '서버에 연결할 수 없습니다. 네트워크를 확인하고 다시 시도하세요.',
    timeout: '서버가 제때 응답하지 않았습니다. 잠시 후 다시 시도하세요.',
    stalled: '연결이 멈췄습니다. 네트워크를 확인하고 다시 시도하세요.',
  },
  byCode: {
    'quota-exceeded':
      '저장 공간이 부족합니다. 필요 없는 항목을 삭제하고 휴지통을 비우거나, 관리자에게 공간을 요청하세요.',
    'file-too-large': '파일이 너무 큽니다. 더 작은 파일을 올리거나 관리자에게 한도를 올려 달라고 요청하세요.',
    'unsupported-type': '지원하지 않는 파일 형식입니다. JPEG나 MP4 같은 형식으로 바꿔 주세요.',
    'empty-file': '내용이 없는 파일입니다. 다른 파일을 선택하세요.',
    'content-mismatch': '파일 내용이 이름과 다릅니다. 파일을 확인해 주세요.',
    'checksum-mismatch': '전송 중에 파일이 손상되었습니다. 다시 시도하세요.',
    'size-mismatch': '올리는 동안 파일이 바뀌었습니다. 다시 시도하세요.',
    'storage-full': '서버에 남은 공간이 없습니다. 관리자에게 알려 주세요.',
    'invalid-credentials': '이메일 주소나 비밀번호가 올바르지 않습니다.',
    'too-many-requests': '시도가 너무 많습니다. 잠시 후 다시 시도하세요.',
    'already-exists': '이미 사용 중입니다. 다른 것을 선택하세요.',
    'account-suspended': '정지된 계정입니다. 관리자에게 문의하세요.',
    'registration-closed': '가입이 닫혀 있습니다. 관리자에게 계정을 요청하세요.',
    'not-found': '찾을 수 없습니다. 이미 삭제되었을 수 있습니다.',
    'precondition-failed': '그사이 다른 곳에서 변경되었습니다. 다시 불러온 뒤 시도하세요.',
    'link-expired': '만료된 링크입니다. 링크를 준 사람에게 새 링크를 요청하세요.',
    'password-required': '비밀번호가 필요합니다.',
    unauthenticated: '다시 로그인하세요.',
    forbidden: '허용되지 않은 작업입니다.',
    unavailable: '서버가 지금 응답할 수 없습니다. 잠시 후 다시 시도하세요.',
    internal: '서버에 문제가 생겼습니다. 다시 시도하세요.',
  },
}
