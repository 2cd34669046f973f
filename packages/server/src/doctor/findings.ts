/** What an examination gathers: every finding counted, the first of each kind kept, so that memory stays constant. */

export type FindingKind =
  /** An asset whose bytes the store does not have. */
  | 'asset-missing'
  /** An asset whose bytes are others than were uploaded: another size or another SHA-256. */
  | 'asset-damaged'
  /** An asset whose bytes the store has but cannot give. */
  | 'asset-unreadable'
  /** An asset that is marked as lost and whose bytes are there and right again. */
  | 'asset-recovered'
  /** Something made of an original that the store does not have. */
  | 'rendition-missing'
  /** An object that no row knows. */
  | 'object-unknown'
  /** A multipart that no row knows. */
  | 'multipart-unknown'
  /** Numbers of an account that are not the sum of what it has. */
  | 'quota-wrong'
  /** A month of a timeline whose counts are not those of its assets. */
  | 'timeline-wrong'
  /** A job that used up its attempts. */
  | 'job-exhausted'

export interface Finding {
  kind: FindingKind
  /** Id of the asset, account or job; key of the object. */
  subject: string
  /** What is known of it, for a person. */
  detail: string
  repaired: boolean
}

export interface FindingGroup {
  kind: FindingKind
  count: number
  repaired: number
  /** The first of them. */
  examples: Finding[]
}

export interface Findings {
  add(finding: Finding): void
  groups(): FindingGroup[]
}

const keptExamples = 20

export function createFindings(): Findings {
  const groups = new Map<FindingKind, FindingGroup>()
  return {
    add(finding) {
      const group = groups.get(finding.kind) ?? { kind: finding.kind, count: 0, repaired: 0, examples: [] }
      groups.set(finding.kind, group)
      group.count += 1
      if (finding.repaired) group.repaired += 1
      if (group.examples.length < keptExamples) group.examples.push(finding)
    },
    groups: () => [...groups.values()],
  }
}
