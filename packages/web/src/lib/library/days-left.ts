/** Days begun that are left until what was trashed at a moment is gone; 0 on the last one. */
export function daysLeft(trashedAt: string, trashDays: number, now: number): number {
  return Math.max(0, Math.floor((Date.parse(trashedAt) + trashDays * 86_400_000 - now) / 86_400_000))
}
