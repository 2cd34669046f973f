import { explain } from '#lib/ui/explain.ts'

/** What the error page says: never the inside of a program, always what to do. */
export const handleError = ({ error }: { error: unknown }) => ({ message: explain(error) })
