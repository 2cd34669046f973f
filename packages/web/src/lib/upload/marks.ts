/** Says, without opening the database, that a look into it is worth its time. */
export const unfinishedMark = 'heliograph.uploads'
/** Its value when whoever uploads had paused everything: then nothing goes on before they say so. */
export const pausedMark = 'paused'
