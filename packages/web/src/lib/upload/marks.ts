/** Says, without opening the database, that a look into it is worth its time. */
export const unfinishedMark = 'heliograph.uploads'
