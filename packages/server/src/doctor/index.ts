export type { Stage } from './context.ts'
export { type DoctorDeps, type Examination, type ExaminationOptions, examine } from './examine.ts'
export type { Finding, FindingGroup, FindingKind } from './findings.ts'
